# SPDX-License-Identifier: Apache-2.0
# A tile that a sparse TIFF leaves out is black, and transparent where the file has alpha.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Client qw(info);
use IIIF::Coordinates qw(alpha_bytes level_bytes);
use IIIF::Pixels qw(fetch picture crop scale shade over decode shows shows_picture);

my @PLAIN = (1000, 800, 8);
my @TILE = (256, 256, 256, 256);    # which is not there
my @EXACT = (0, 0);
my $JPEG = without_middle(1, level_bytes(@PLAIN, 1, 1000, 800), 3);
my $RGBA = without_middle(1, with_alpha(1), 4);
my $HALF = without_middle(2, with_alpha(2), 4);

# file, its picture, how far a sample may be off: on average and at worst
my @FILES = ([ 'sparse-jpeg.tif', $JPEG, 8, 90 ], [ 'sparse-rgba.tif', $RGBA, @EXACT ]);
my @tests;

for my $file (@FILES) {
    my ($name, $picture, @apart) = @{$file};
    my $base = "/iiif/$name";

    push @tests, sub { is join('x', @{ info($base) }{qw(width height)}), '1000x800', "$name has the size of its directory" };
    push @tests, sub { shows("$base/256,256,256,256/max/0/default.png", crop($picture, @TILE), @EXACT, "$name: a tile that is left out") };
    push @tests, sub { shows("$base/300,300,1,1/max/0/default.png", crop($picture, 300, 300, 1, 1), @EXACT, "$name: a pixel of it") };
    push @tests, sub {
        my $got = shows("$base/384,256,256,256/max/0/default.png", crop($picture, 384, 256, 256, 256), @apart, "$name: a part of which half is left out");
        shows_picture(crop($got, 0, 0, 128, 256), crop($picture, 384, 256, 128, 256), @EXACT, "$name:   and that half is empty") if $got;
    };
    push @tests, sub { shows("$base/512,256,256,256/max/0/default.png", crop($picture, 512, 256, 256, 256), @apart, "$name: the tile beside it") };
    push @tests, sub { shows("$base/full/max/0/default.png", $picture, @apart, "$name: the whole") };
    push @tests, sub { is kind("$base/full/100,/90/gray.webp"), '80x100', "$name: turned, small and gray" };
    push @tests, sub { is kind("/square-attention/$name/square/160,/0/default.jpg"), '160x160', "$name: its square is looked for" };
}
push @tests, sub {
    shows('/iiif/sparse-jpeg.tif/full/400,/0/default.png', scale($JPEG, 400, 320), 6, 90, 'sparse-jpeg.tif: smaller');
};
push @tests, sub {
    shows('/iiif/sparse-jpeg.tif/256,256,256,256/128,/0/gray.jpg', shade(picture(128, 128, "\0" x (3 * 128 * 128))), @EXACT,
        'sparse-jpeg.tif: gray, smaller, without a picture');
};
push @tests, sub { shows('/iiif/sparse-rgba.tif/full/500,/0/default.png', $HALF, @EXACT, 'sparse-rgba.tif: its smaller level') };
push @tests, sub {
    my $got = decode(fetch('/iiif/sparse-rgba.tif/full/400,/0/default.png'));
    shows_picture(over($got, 0, 0, 0), scale(over($RGBA, 0, 0, 0), 400, 320), 6, 90, 'sparse-rgba.tif: smaller');
};
push @tests, sub {
    shows('/iiif/sparse-rgba.tif/256,256,256,256/max/0/default.jpg', picture(256, 256, "\xff" x (3 * 256 * 256)), @EXACT,
        'sparse-rgba.tif: on white where there is no transparency');
};

plan tests => @tests + @FILES;
$_->() for @tests;

sub with_alpha {
    my ($factor) = @_;
    my @sides = (1000 / $factor, 800 / $factor);
    my @colours = unpack '(a3)*', level_bytes(@PLAIN, $factor, @sides);
    my @alpha = unpack '(a1)*', alpha_bytes(@sides);

    return join '', map { $colours[$_] . $alpha[$_] } 0 .. $#colours;
}

# The picture of these bytes with zeros where the file has nothing
sub without_middle {
    my ($factor, $bytes, $samples) = @_;
    my ($width, $height, $edge) = map { $_ / $factor } 1000, 800, 256;

    for my $y ($edge .. 2 * $edge - 1) {
        substr $bytes, ($y * $width + $edge) * $samples, $edge * $samples, "\0" x ($edge * $samples);
    }
    return picture($width, $height, $bytes);
}

sub kind {
    my ($target) = @_;
    my $response = fetch($target);

    return $response->status_line if $response->code != 200;
    my $got = decode($response);
    return "$got->{width}x$got->{height}";
}
