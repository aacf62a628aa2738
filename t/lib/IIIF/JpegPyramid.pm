# SPDX-License-Identifier: Apache-2.0
package IIIF::JpegPyramid;

# Directories for IIIF::TiffWriter whose tiles are JPEG, in the ways that writers store them: the
# coordinate picture of IIIF::Coordinates, with its halves, quarters...

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use Image::Magick ();
use IIIF::Coordinates qw(level_bytes);
use IIIF::JpegStream qw(jpeg jpeg_stream jpeg_tables without_apps);
use IIIF::TiffWriter qw(cut_tiles);

our @EXPORT_OK = qw(jpeg_pyramid jpeg_of level_of side_at with_names);

my $JPEG = 7;
my %PHOTOMETRIC = (gray => 1, rgb => 2, 'rgb-jfif' => 2);    # all others: 6, YCbCr
my %FILL = (1 => "\xff", 3 => "\xff\0\xff");                 # of tiles at the edge: nobody should ever see it

# jpeg_pyramid(WIDTH, HEIGHT, CELL, OPTION => VALUE...): a directory for each level, largest first.
#   factors   [ 1, 2, 4 ]
#   up        smaller levels are rounded up, else down
#   tile      [ 256, 256 ]
#   sampling  2x2 (the default), 2x1 or 1x1 of YCbCr; gray; rgb, as libtiff writes it; rgb-jfif, RGB in a
#             stream that looks like YCbCr
#   quality   90
#   tables    in JPEGTables, else in each tile
#   change    a function of each tile's stream
#   tags      of all directories
sub jpeg_pyramid {
    my ($width, $height, $cell, %options) = @_;
    my %how = (factors => [ 1, 2, 4 ], tile => [ 256, 256 ], sampling => '2x2', quality => 90, tags => {}, %options);

    return map { _directory([ $width, $height, $cell ], $_, \%how) } @{ $how{factors} };
}

sub side_at {
    my ($full, $factor, $up) = @_;
    return $up ? int(($full + $factor - 1) / $factor) : int($full / $factor);
}

# Width, height and bytes of a level, three samples a pixel, or one
sub level_of {
    my ($picture, $factor, $up, $samples) = @_;
    my ($width, $height, $cell) = @{$picture};
    my @sides = map { side_at($_, $factor, $up) } $width, $height;
    my $bytes = level_bytes($width, $height, $cell, $factor, @sides);

    return (@sides, $samples == 1 ? _grays($bytes) : $bytes);
}

# Three eighths of red and of green, a quarter of blue: as even on every level as they are
sub _grays {
    my ($rgb) = @_;
    my $bytes = '';
    # in parts, for the memory's sake
    for my $part (unpack '(a30000)*', $rgb) {
        my @samples = unpack 'C*', $part;
        $bytes .= pack 'C*', map { (3 * ($samples[ 3 * $_ ] + $samples[ 3 * $_ + 1 ]) + 2 * $samples[ 3 * $_ + 2 ]) >> 3 } 0 .. @samples / 3 - 1;
    }
    return $bytes;
}

sub _directory {
    my ($picture, $factor, $how) = @_;
    my ($samples, $sampling) = ($how->{sampling} eq 'gray' ? 1 : 3, $how->{sampling});
    my ($width, $height, $data) = level_of($picture, $factor, $how->{up}, $samples);
    my ($across, $down) = @{ $how->{tile} };
    my @tiles = map { _tile($_, $how) } cut_tiles($data, $width * $samples, $across * $samples, $down, $FILL{$samples});
    my %tags = %{ $how->{tags} };

    $tags{254} = [ 4, 1 ] if $factor > 1;
    $tags{530} = [ 3, split /x/, $sampling ] if $sampling =~ /x/;
    if ($how->{tables}) {
        $tags{347} = [ 7, (jpeg_tables($tiles[0]))[0] ];
        @tiles = map { (jpeg_tables($_))[1] } @tiles;
    }
    return {
        width => $width, height => $height, samples => $samples, bits => 8, tile => $how->{tile}, compression => $JPEG,
        photometric => $PHOTOMETRIC{$sampling} // 6, tiles => \@tiles, tags => \%tags,
    };
}

sub _tile {
    my ($pixels, $how) = @_;
    my $stream = jpeg_of($pixels, @{ $how->{tile} }, $how->{sampling}, $how->{quality});

    return $how->{change} ? $how->{change}->($stream) : $stream;
}

# jpeg_of(PIXELS, WIDTH, HEIGHT, SAMPLING, QUALITY): a stream without APPn (rgb-jfif: with JFIF's), with
# the Huffman tables of T.81, annex K, so that all tiles have the same.
sub jpeg_of {
    my ($pixels, $width, $height, $sampling, $quality, @more) = @_;
    my $image = Image::Magick->new(size => "${width}x$height", depth => 8, magick => $sampling eq 'gray' ? 'gray' : 'RGB');
    my $said = $image->BlobToImage($pixels);

    die "$said\n" if $said;
    $image->Set(colorspace => 'YCbCr') if $sampling =~ /^rgb/;    # samples are taken for what they are to become
    $image->Set(option => 'jpeg:optimize-coding=false');
    my ($stream) = $image->ImageToBlob(magick => 'jpeg', quality => $quality, 'sampling-factor' => $sampling =~ /x/ ? $sampling : '1x1', @more);
    return $stream if $sampling eq 'rgb-jfif';
    return $sampling eq 'rgb' ? with_names(without_apps($stream), 'RGB') : without_apps($stream);
}

# The components named by letters, as libtiff and libjpeg do where they are R, G and B
sub with_names {
    my ($bytes, $names) = @_;
    my $stream = jpeg($bytes);
    my @names = split //, $names;

    for my $segment (@{ $stream->{segments} }) {
        my ($first, $step) = @{ { 0xc0 => [ 6, 3 ], 0xda => [ 1, 2 ] }->{ $segment->[0] } // next };
        substr $segment->[1], $first + $step * $_, 1, $names[$_] for 0 .. $#names;
    }
    return jpeg_stream($stream->{segments}, $stream->{scan}, "\xff\xd9");
}

1;
