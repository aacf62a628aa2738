#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What a tile of a JPEG 2000 file costs, decoded as a window by OpenJPEG and cut out of what libvips loads: milliseconds
# of processor time, in one run. The ratios count. Needs opj_compress (libopenjp2-tools).
#
#   make -f Makefile.apxs bench
use strict;
use warnings FATAL => 'all';
use File::Temp ();

my ($WIDTH, $HEIGHT) = (8000, 6000);
my $BENCH = ($ENV{IIIF_LIB} // 'apxs-build/lib') . '/bench/jp2_bench';

my $directory = File::Temp->newdir(TMPDIR => 1);

# quiet COMMAND, ARGUMENT...: what it says is shown when it fails
sub quiet {
    my (@command) = @_;
    my $pid = open my $pipe, '-|';
    defined $pid or die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die "stderr: $!\n";
        exec @command or die "$command[0]: $!\n";
    }
    my $said = do { local $/ = undef; readline $pipe };
    close $pipe or die "@command failed:\n$said";
    return;
}

sub vips {
    my ($operation, @arguments) = @_;
    quiet('vips', $operation, map { s{^%}{$directory/}r } @arguments);
    return;
}

# Clouds of three sizes, one for each colour, and grain: about as hard to compress as a scan
vips('gaussnoise', '%noise.v', $WIDTH, $HEIGHT, '--sigma', 14, '--mean', 128, '--seed', 1);
vips('gaussblur', '%noise.v', '%grain.v', 0.6);
for my $colour (1 .. 3) {
    vips('perlin', '%clouds.v', $WIDTH, $HEIGHT, '--cell-size', 128 * $colour, '--seed', $colour);
    vips('linear', '%clouds.v', '%contrast.v', 100, 0);
    vips('add', '%contrast.v', '%grain.v', '%sum.v');
    vips('cast', '%sum.v', "%colour-$colour.v", 'uchar');
}
vips('bandjoin', join(' ', map { "$directory/colour-$_.v" } 1 .. 3), '%picture.ppm');
unlink glob "$directory/*.v";

my @precincts = ('-n', 6, '-p', 'RPCL', '-c', join(',', ('[256,256]') x 6), '-r', 10, '-I');
my $picture = "$directory/picture.ppm";
vips('jp2ksave', '%picture.ppm', '%vips-tiles-512.jp2', '--tile-width', 512, '--tile-height', 512, '--Q', 48);
quiet('opj_compress', '-i', $picture, '-o', "$directory/one-tile-precincts.jp2", @precincts);
quiet('opj_compress', '-i', $picture, '-o', "$directory/tiles-1024-precincts.jp2", @precincts, '-t', '1024,1024');
unlink $picture;

system($BENCH, sort glob "$directory/*.jp2") == 0 or die "$BENCH failed\n";
