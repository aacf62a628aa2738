# SPDX-License-Identifier: Apache-2.0
# What `iiifctl tile` costs beside the vips command with the same settings, on a JPEG of 200 megapixels: seconds, seconds
# of processor time, and the most memory that one process held, in one run. The ratios count.
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
my $directory = File::Temp->newdir(TMPDIR => 1);
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

    remove_tree("$directory/out");
    mkdir "$directory/out" or die "$directory/out: $!\n";
    system('/usr/bin/time', '-o', $figures, '-f', '%e %U %S %M', 'sh', '-c', 'exec "$@" >/dev/null', 'sh', @command) == 0
        or die "@command failed\n";
    open my $fh, '<', $figures or die "$figures: $!\n";
    my ($elapsed, $user, $system, $kilobytes) = split ' ', readline $fh;
    return ($elapsed, $user + $system, $kilobytes / 1024);
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
        $best[$_] = [ least($best[$_], measure(@{ $commands[$_] })) ] for 0, 1;
    }
    printf "%-14s %-8s %8.2f %10.2f %8.0f\n", $name, (qw(vips iiifctl))[$_], @{ $best[$_] } for 0, 1;
    printf "%-14s %-8s %8.2f %10.2f %8.2f\n", '', 'ratio', map { $best[1][$_] / $best[0][$_] } 0 .. 2;
}
