# SPDX-License-Identifier: Apache-2.0
package IIIF::Coordinates;

# The coordinate picture: every pixel tells where it is, so that what an answer must look like is
# arithmetic. Red grows from left to right, green from top to bottom, blue is a chequerboard.

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);

our @EXPORT_OK = qw(coordinate_bytes ppm);

# Bytes R G B of every pixel, row by row. A cell of the chequerboard is 64 or 192.
sub coordinate_bytes {
    my ($width, $height, $cell) = @_;
    my @reds = map { _ramp($_, $width) } 0 .. $width - 1;
    my @rows = map { _row(\@reds, $cell, $_) } 0, 1;
    my $bytes = '';

    for my $y (0 .. $height - 1) {
        my $green = ("\0" . chr(_ramp($y, $height)) . "\0") x $width;
        $bytes .= $rows[ int($y / $cell) % 2 ] | $green;
    }
    return $bytes;
}

sub ppm {
    my ($width, $height, $bytes) = @_;
    return "P6\n$width $height\n255\n$bytes";
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
