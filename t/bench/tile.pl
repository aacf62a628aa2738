# SPDX-License-Identifier: Apache-2.0
# What `iiifctl tile` costs beside the vips command with the same settings, on a JPEG of 200 megapixels: seconds, seconds
# of processor time, and the most memory that one process held, in one run. The ratios count. Then what `iiifctl check`
# takes for the structure of a pyramid TIFF of 10 GB.
#
# Written to memory where the system has a place for that: on ext4, whoever makes thousands of files soon after
# thousands were removed waits for it, and that is who comes second.
#
#   make -f Makefile.apxs bench
use strict;
use warnings FATAL => 'all';
use File::Path qw(remove_tree);
use File::Temp ();

my $CTL    = ($ENV{IIIF_LIB} // 'apxs-build/lib') . '/iiifctl';
my $SOURCE = $ENV{IIIF_TILE_SOURCE} // 'apxs-build/bench/sources/large.jpg';
my $ROUNDS = 5;

-f $SOURCE or die "$SOURCE is missing: make it with t/bench/make\n";
my $directory = File::Temp->newdir(-w '/dev/shm' ? (DIR => '/dev/shm') : (TMPDIR => 1));
my @JPEG = ('--tile-width', 256, '--tile-height', 256);
my @PAIRS = (
    [ 'pyramid TIFF', [ 'vips', 'tiffsave', $SOURCE, "$directory/out/x.tif", qw(--compression jpeg --Q 85 --tile --pyramid), @JPEG ],
        [ $CTL, 'tile', $SOURCE, '--into', "$directory/out", '--format', 'tiff' ] ],
    [ 'Deep Zoom', [ 'vips', 'dzsave', $SOURCE, "$directory/out/x", '--tile-size', 256, '--overlap', 0, '--suffix', '.jpg[Q=85]' ],
        [ $CTL, 'tile', $SOURCE, '--into', "$directory/out", '--format', 'deepzoom' ] ],
);

# (seconds, seconds of processor time, megabytes)
sub measure {
    my (@command) = @_;
    my $figures = "$directory/figures";

    system('/usr/bin/time', '-o', $figures, '-f', '%e %U %S %M', 'sh', '-c', 'exec "$@" >/dev/null', 'sh', @command) == 0
        or die "@command failed\n";
    open my $fh, '<', $figures or die "$figures: $!\n";
    my ($elapsed, $user, $system, $kilobytes) = split ' ', readline $fh;
    return ($elapsed, $user + $system, $kilobytes / 1024);
}

# As measure(), of what writes to an empty directory
sub measure_writing {
    my (@command) = @_;

    remove_tree("$directory/out");
    mkdir "$directory/out" or die "$directory/out: $!\n";
    return measure(@command);
}

# The least of several rounds: what others do on this machine only adds
sub least {
    my ($best, @figures) = @_;
    return map { !defined $best->[$_] || $figures[$_] < $best->[$_] ? $figures[$_] : $best->[$_] } 0 .. $#figures;
}

printf "%-14s %-8s %8s %10s %8s\n", '', '', 'seconds', 'processor', 'MB';
for my $pair (@PAIRS) {
    my ($name, @commands) = @{$pair};
    my @best = ([], []);
    for (1 .. $ROUNDS) {
        $best[$_] = [ least($best[$_], measure_writing(@{ $commands[$_] })) ] for 0, 1;
    }
    printf "%-14s %-8s %8.2f %10.2f %8.0f\n", $name, (qw(vips iiifctl))[$_], @{ $best[$_] } for 0, 1;
    printf "%-14s %-8s %8.2f %10.2f %8.2f\n", '', 'ratio', map { $best[1][$_] / $best[0][$_] } 0 .. 2;
}

# A BigTIFF with the directories of a gray pyramid of JPEG tiles, and holes where their bytes would be.
sub write_hollow {
    my ($path, $side, $length) = @_;
    my ($place, @directories) = (16);

    open my $fh, '>:raw', $path or die "$path: $!\n";
    for (my $pixels = $side; ; $pixels = $pixels >> 1) {
        my $count = int(($pixels + 255) / 256)**2;
        push @directories, [ $pixels, $count, $place ];
        $place += $count * $length;
        last if $pixels <= 256;
    }
    print {$fh} pack 'a2 v v v Q<', 'II', 43, 8, 0, $place;
    for my $directory (@directories) {
        my ($pixels, $count, $first) = @{$directory};
        my $lists = $place + 8 + 20 * 11 + 8;
        my $after = $lists + ($count > 1 ? $count * 12 : 0);
        my @entries = (
            [ 254, 4, 1, $pixels < $side ], [ 256, 4, 1, $pixels ], [ 257, 4, 1, $pixels ], [ 258, 3, 1, 8 ], [ 259, 3, 1, 7 ],
            [ 262, 3, 1, 1 ],   [ 277, 3, 1, 1 ],   [ 322, 3, 1, 256 ], [ 323, 3, 1, 256 ],
            [ 324, 16, $count, $count > 1 ? $lists              : $first ],
            [ 325, 4,  $count, $count > 1 ? $lists + $count * 8 : $length ]);
        seek $fh, $place, 0 or die "$path: $!\n";
        print {$fh} pack('Q<', scalar @entries), map({ pack 'v v Q< Q<', @{$_} } @entries), pack 'Q<', $pixels > 256 ? $after : 0;
        print {$fh} pack('Q<*', map { $first + $_ * $length } 0 .. $count - 1), pack 'L<*', ($length) x $count if $count > 1;
        $place = $after;
    }
    close $fh or die "$path: $!\n";
    return;
}

my $hollow = "$directory/hollow.tif";
write_hollow($hollow, 720 * 256, 16_000);
my @best;
@best = least(\@best, measure($CTL, 'check', '--raw', $hollow)) for 1 .. $ROUNDS;
printf "%-14s %-8s %8.2f %10.2f %8.0f\n", sprintf('check %.1f GB', (-s $hollow) / 1e9), 'iiifctl', @best;
