# SPDX-License-Identifier: Apache-2.0
package IIIF::Coordinates;

# The pictures that fixtures show, as arithmetic on the position of a pixel: what an answer must look
# like is computed from here, by other code than the one that is tested.

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);

our @EXPORT_OK = qw(coordinate_bytes level_bytes gray_bytes mosaic_indices mosaic_palette bilevel_bytes alpha_bytes
    map_pixels ppm);
our %EXPORT_TAGS = (all => \@EXPORT_OK);

# The coordinate picture, R G B: red grows from left to right, green from top to bottom, blue is a
# chequerboard of 64 and 192.
sub coordinate_bytes {
    my ($width, $height, $cell) = @_;
    return level_bytes($width, $height, $cell, 1, $width, $height);
}

# What is left of a coordinate picture where each pixel is the mean of $factor x $factor, $factor a
# divisor of $cell. Its sides are given: a pyramid's may be rounded up or down.
sub level_bytes {
    my ($full_width, $full_height, $cell, $factor, $width, $height) = @_;
    my @reds = map { _ramp(_centre($_, $factor, $full_width), $full_width) } 0 .. $width - 1;
    my $side = $cell / $factor;
    my @rows = map { _row(\@reds, $side, $_) } 0, 1;
    my $bytes = '';

    for my $y (0 .. $height - 1) {
        my $green = ("\0" . chr(_ramp(_centre($y, $factor, $full_height), $full_height)) . "\0") x $width;
        $bytes .= $rows[ int($y / $side) % 2 ] | $green;
    }
    return $bytes;
}

# One byte a pixel, dark above on the left, white below on the right
sub gray_bytes {
    my ($width, $height) = @_;
    return map_pixels($width, $height, sub { chr int((_ramp($_[0], $width) + _ramp($_[1], $height)) / 2) });
}

# 16 x 16 rectangles, each of another colour: one index into the palette a pixel
sub mosaic_indices {
    my ($width, $height) = @_;
    return map_pixels($width, $height, sub { chr(int(16 * $_[0] / $width) + 16 * int(16 * $_[1] / $height)) });
}

sub mosaic_palette {
    return map { [ 17 * ($_ % 16), 17 * int($_ / 16), 255 - 8 * ($_ % 16) ] } 0 .. 255;
}

# 0 or 255, and no turn or mirror of itself
sub bilevel_bytes {
    my ($width, $height) = @_;
    return map_pixels($width, $height,
        sub { ((int($_[0] / 10) + int($_[1] / 6)) % 2 xor 3 * $_[0] < $width) && 5 * $_[1] > $height ? "\xff" : "\0" });
}

# Opaque on the left, transparent on the right
sub alpha_bytes {
    my ($width, $height) = @_;
    return map_pixels($width, $height, sub { chr(255 - _ramp($_[0], $width)) });
}

# The bytes that $pixel->($x, $y) gives, row by row
sub map_pixels {
    my ($width, $height, $pixel) = @_;
    my $bytes = '';

    for my $y (0 .. $height - 1) {
        $bytes .= join '', map { $pixel->($_, $y) } 0 .. $width - 1;
    }
    return $bytes;
}

sub ppm {
    my ($width, $height, $bytes) = @_;
    return "P6\n$width $height\n255\n$bytes";
}

# Where the middle of a level's pixel is in the full image; the last pixel may cover less
sub _centre {
    my ($at, $factor, $full) = @_;
    my $last = ($at + 1) * $factor - 1;

    return ($at * $factor + ($last < $full ? $last : $full - 1)) / 2;
}

# 0 at the first pixel, 255 at the last
sub _ramp {
    my ($at, $side) = @_;
    return $side > 1 ? int($at * 255 / ($side - 1) + 0.5) : 0;
}

sub _row {
    my ($reds, $cell, $odd) = @_;
    return join '', map { chr($reds->[$_]) . "\0" . chr((int($_ / $cell) + $odd) % 2 ? 192 : 64) } 0 .. $#$reds;
}

1;
