# SPDX-License-Identifier: Apache-2.0
# iiifctl on a disk that is full: it says so, leaves no litter and nothing half, and goes on when there is room.
# The disk is a small tmpfs in a mount namespace of the run's own. Where the system allows no such namespace, a limit on
# the size of files stands for it, which cannot fail between two files, nor for want of inodes; a line tells.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use File::Copy qw(copy);
use IIIF::Ctl qw($CTL $FIXTURES place background finish);
use IIIF::PrivateHttpd qw(spew slurp);
use Test::More;

my @UNSHARE = qw(unshare --user --map-root-user --mount --propagation private);

# How a script makes a disk with so many KB of room, and, where the second says so, with so many files at most
my %WAYS = (
    tmpfs => [ [@UNSHARE], <<'SH' ],
room() { mountpoint -q "$disk" || mount -t tmpfs -o "size=4096k,nr_inodes=1000" none "$disk" || exit 90
         rm -rf "$disk/.ballast"; mkdir "$disk/.ballast"
         test -z "$2" || seq "$((1000 - $2))" | (cd "$disk/.ballast" && xargs touch)
         head -c "$((4096 - $1))k" /dev/zero >"$disk/.ballast/bytes"; }
SH
    limit => [ [], <<'SH' ],
room() { ulimit -S -f "$((2 * $1))" || exit 90; }
SH
);
my $way = system(@UNSHARE, 'sh', '-c', 'mount -t tmpfs none /mnt 2>/dev/null') == 0 ? 'tmpfs' : 'limit';
diag 'no mount namespace may be made here: a limit on the size of files stands for the full disk' if $way eq 'limit';

# on_disk(TEXT, ARGUMENT...): what a shell says to TEXT on an empty disk, with the arguments as $1...; lines.
# "try" runs iiifctl and tells its exit code and reasons, "list" what lies there.
sub on_disk {
    my ($text, @arguments) = @_;
    my ($before, $definition) = @{ $WAYS{$way} };
    my $run = background('/dev/null', @{$before}, 'sh', '-c', <<"SH" . $text, 'sh', place(), $CTL, @arguments);
disk=\$1 ctl=\$2
shift 2
$definition
try() { "\$ctl" "\$@" >"\$disk.out" 2>"\$disk.err"; echo "exit \$?"; sed 's/^/said: /' "\$disk.err"; }
list() { (cd "\$disk" && find . -mindepth 1 ! -name .iiifctl-lease ! -path './.ballast*' | LC_ALL=C sort); }
SH
    my ($code, $out, $err) = finish($run);
    is "$code $err", '0 ', 'the shell ends well';
    return split /\n/, $out;
}

# -- tile ---------------------------------------------------------------------------------------

my $images = place();
copy("$FIXTURES/plain.png", "$images/large.png") or die "plain.png: $!\n";
copy("$FIXTURES/dot.png",   "$images/zero.png")  or die "dot.png: $!\n";
my %MADE = (tiff => '.tif', deepzoom => '.dzi', zoomify => '_zdata', jp2 => '.jp2', iiif3 => '', iiif2 => '');
for my $format (sort keys %MADE) {
    my @said = on_disk(<<'SH', $images, $format);
room 48
try tile "$1" --into "$disk" --format "$2" --tile-size 1024 --quality 100 -j 1
list
echo then
room 4000
try tile "$1" --into "$disk" --format "$2" --tile-size 1024 --quality 100 -j 1
try check "$disk" --source "$1"
list
SH
    my ($then) = grep { $said[$_] eq 'then' } 0 .. $#said;
    my @full = @said[ 0 .. $then - 1 ];
    my @roomy = @said[ $then + 1 .. $#said ];

    is shift @full, 'exit 1', "$format on a full disk";
    like join("\n", grep { /^said/ } @full), qr{^said: iiifctl tile: \Q$images\E/large\.png: [^\n]+$}, '  one file is named, with a reason';
    unlike join("\n", @full), qr/signal/, '  and no crash';
    is_deeply [ grep { m{large|/\.} } grep { !/^said/ } @full ], [], '  nothing of it is left';
    is_deeply [ grep { $_ eq "./zero.png$MADE{$format}" } @full ], ["./zero.png$MADE{$format}"], '  the other one is made';
    is_deeply [ grep { /^exit|^said/ } @roomy ], [ 'exit 0', 'exit 0' ], '  and with more room, the next run makes it good';
    is_deeply [ grep { $_ eq "./large.png$MADE{$format}" } @roomy ], ["./large.png$MADE{$format}"], '  in its place';
}

# -- what is replaced stays until there is something better -------------------------------------

{
    my @said = on_disk(<<'SH', "$images/large.png");
room 4000
try tile "$1" --into "$disk"
cp "$disk/large.png.tif" "$disk.copy"
room 200
try tile "$1" --into "$disk" --force --quality 100 --tile-size 1024
cmp "$disk/large.png.tif" "$disk.copy" && echo same
list
SH
    is $said[0], 'exit 0', 'a pyramid is made';
    is $said[1], 'exit 1', '  a larger one has no room';
    is_deeply [ grep { !/^said/ } @said[ 2 .. $#said ] ], [ 'same', './large.png.tif' ], '  and the old one stays as it is';
}

# -- the others ---------------------------------------------------------------------------------

for my $row ([ 'export', 'export "$1" --into "$disk"' ], [ 'render', 'render "$1" full/max/0/default.png -o "$disk/out.png"' ],
    [ 'warm', 'warm "$1" --store "$disk" --max-size 1G --format png' ]) {
    my ($verb, $command) = @{$row};
    my ($code, @rest) = on_disk("room 16\ntry $command\nlist\n", "$images/large.png");
    is $code, 'exit 1', "$verb on a full disk";
    like join("\n", @rest), qr/^said: iiifctl $verb: .*large\.png.*: .+/, '  tells of which file, and why';
    my @left = grep { !/^said/ } @rest;
    is_deeply [ grep { !m{^\./(?:usage|leases|[0-9a-f]{2}|tmp)(?:/|$)} } @left ], [], '  and leaves nothing';
    is_deeply [ grep { m{tmp/.} } @left ], [], '  nor anything half';
}

# -- as many files as there are inodes ----------------------------------------------------------

if ($way eq 'tmpfs') {
    my @said = on_disk(<<'SH', "$images/large.png");
room 2048 20
try tile "$1" --into "$disk" --format deepzoom --tile-size 64 --once
list
room 2048
try tile "$1" --into "$disk" --format deepzoom --tile-size 64 --once
SH
    is shift @said, 'exit 1', 'a tree of more files than there may be';
    like shift @said, qr/^said: iiifctl tile: .+large\.png: .*disk is full/, '  is told';
    is_deeply \@said, ['exit 0'], '  leaves nothing, not even for --once, and is made when there may be more';

    # libvips may abort for want of a directory, and workers that fail beside each other make room for each other
    copy("$FIXTURES/plain.jpg", "$images/$_.jpg") or die "$_.jpg: $!\n" for 1 .. 3;
    for my $format (qw(iiif3 deepzoom)) {
        for my $files (40, 90, 200) {
            my ($exit, @rest) = on_disk(<<'SH', $images, $format, $files);
room 3800 "$3"
try tile "$1" --into "$disk" --format "$2" --tile-size 64 -j 3 --once
list
SH
            is $exit, 'exit 1', "$format: $files files for several images";
            my @told = grep { /^said: iiifctl/ } @rest;
            cmp_ok scalar @told, '>', 1, '  are too few';
            is_deeply [ grep { !/\.(?:jpg|png): the disk is full/ } @told ], [], '  which is told of each';
            is_deeply [ grep { m{^\./\.} } @rest ], [], '  and nothing half is left';
        }
    }
}

done_testing;
