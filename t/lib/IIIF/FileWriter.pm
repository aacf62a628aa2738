# SPDX-License-Identifier: Apache-2.0
package IIIF::FileWriter;

# Small files of other formats, byte by byte: what they hold is known, and not a library's opinion.

use strict;
use warnings FATAL => 'all';

use Compress::Zlib qw(compress crc32);
use Exporter qw(import);

our @EXPORT_OK = qw(png gif pdf rgb_profile cmyk_profile cmyk_corner with_exif_orientation);

# -- PNG ----------------------------------------------------------------------------------------

# depth and colour type as in IHDR; data: rows without filter bytes; chunks: [name, bytes] before IDAT
sub png {
    my ($width, $height, $depth, $type, $data, @chunks) = @_;
    my $bits = $depth * { 0 => 1, 2 => 3, 3 => 1, 4 => 2, 6 => 4 }->{$type};
    my $row = int(($width * $bits + 7) / 8);
    my $filtered = join '', map { "\0$_" } unpack "(a$row)*", $data;

    return "\x89PNG\r\n\x1a\n"
        . join('', map { _chunk(@{$_}) } [ 'IHDR', pack 'NNCCCCC', $width, $height, $depth, $type, 0, 0, 0 ],
        @chunks, [ 'IDAT', compress($filtered) ], [ 'IEND', '' ]);
}

sub _chunk {
    my ($name, $bytes) = @_;
    return pack('N', length $bytes) . $name . $bytes . pack 'N', crc32($name . $bytes);
}

# -- GIF ----------------------------------------------------------------------------------------

# frames: an index into the palette for each pixel. transparent: an index, or undef
sub gif {
    my ($width, $height, $palette, $transparent, @frames) = @_;
    my $file = 'GIF89a' . pack('vvCCC', $width, $height, 0xf7, 0, 0) . join '', map { pack 'C3', @{$_} } @{$palette};

    for my $frame (@frames) {
        $file .= "\x21\xf9\x04" . pack('CvCC', defined $transparent ? 9 : 8, 10, $transparent // 0, 0);
        $file .= ',' . pack('vvvvC', 0, 0, $width, $height, 0) . "\x08" . _blocks(_codes($frame));
    }
    return "$file;";
}

# LZW codes of nine bits that never use the table: it is cleared before it needs a tenth.
sub _codes {
    my ($indices) = @_;
    my @bits = map { unpack 'b9', pack 'v', $_ } 0 .. 257;
    my $stream = join '', map { join '', $bits[256], map { $bits[$_] } unpack 'C*', $_ } unpack '(a250)*', $indices;

    return pack 'b*', $stream . $bits[257];
}

sub _blocks {
    my ($bytes) = @_;
    return join('', map { chr(length) . $_ } unpack '(a255)*', $bytes) . "\0";
}

# -- PDF ----------------------------------------------------------------------------------------

# A page for each [width, height, drawing operators], sides in points
sub pdf {
    my @pages = @_;
    my $kids = join ' ', map { 3 + 2 * $_ . ' 0 R' } 0 .. $#pages;
    my @objects = ('<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Count ' . @pages . " /Kids [$kids] >>");

    for my $page (@pages) {
        my ($width, $height, $drawing) = @{$page};
        my $stream = @objects + 2;

        push @objects, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 $width $height] /Contents $stream 0 R >>",
            '<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream";
    }
    return _pdf_file(@objects);
}

sub _pdf_file {
    my @objects = @_;
    my $file = "%PDF-1.4\n";
    my @offsets;

    for my $i (0 .. $#objects) {
        push @offsets, length $file;
        $file .= $i + 1 . " 0 obj\n$objects[$i]\nendobj\n";
    }
    my $xref = length $file;
    my $size = @objects + 1;
    $file .= "xref\n0 $size\n0000000000 65535 f \n" . join '', map { sprintf "%010d 00000 n \n", $_ } @offsets;
    return "${file}trailer\n<< /Size $size /Root 1 0 R >>\nstartxref\n$xref\n%%EOF\n";
}

# -- EXIF ---------------------------------------------------------------------------------------

# A JPEG with an Exif segment that holds nothing but an orientation
sub with_exif_orientation {
    my ($jpeg, $orientation) = @_;
    my $exif = "Exif\0\0II*\0" . pack 'V v vvVvv V', 8, 1, 0x0112, 3, 1, $orientation, 0, 0;

    return substr($jpeg, 0, 2) . "\xff\xe1" . pack('n', 2 + length $exif) . $exif . substr $jpeg, 2;
}

# -- ICC profiles (ICC.1:2001-04) ---------------------------------------------------------------

# The primaries of Adobe RGB (1998), adapted to D50, and its gamma of 563/256
sub rgb_profile {
    my @colorants = ([ 0.60974, 0.31111, 0.01947 ], [ 0.20528, 0.62567, 0.06087 ], [ 0.14919, 0.06322, 0.74457 ]);
    my $gamma = 'curv' . pack 'NNnn', 0, 1, 0x0233, 0;

    return _profile(
        'mntr', 'RGB ', 'XYZ ', 'wide gamut',
        (map { [ qw(r g b)[$_] . 'XYZ', _xyz(@{ $colorants[$_] }) ] } 0 .. 2),
        map { [ $_ . 'TRC', $gamma ] } qw(r g b)
    );
}

# A press with a table of two steps an ink: between its 16 corners colour is interpolated.
sub cmyk_profile {
    my $identity = pack 'N9', 65536, 0, 0, 0, 65536, 0, 0, 0, 65536;
    my $line = pack 'C256', 0 .. 255;
    my $corners = join '', map { pack 'C3', _lab_bytes(cmyk_corner($_)) } 0 .. 15;
    my $table = 'mft1' . pack('NCCCC', 0, 4, 3, 2, 0) . $identity . $line x 4 . $corners . $line x 3;

    return _profile('prtr', 'CMYK', 'Lab ', 'test press', [ 'A2B0', $table ]);
}

# L a b of a corner; bits of its number from 8 to 1: cyan, magenta, yellow, black at 100 %
sub cmyk_corner {
    my ($corner) = @_;
    my ($c, $m, $y, $k) = map { $corner & $_ ? 1 : 0 } 8, 4, 2, 1;
    my $shade = $k ? 0.25 : 1;

    return (
        int((100 - 25 * $c - 30 * $m - 5 * $y) * $shade),
        int((-25 * $c + 40 * $m - 3 * $y) * $shade),
        int((-30 * $c - 5 * $m + 50 * $y) * $shade)
    );
}

sub _lab_bytes {
    my ($l, $a, $b) = @_;
    return (int($l * 2.55 + 0.5), $a + 128, $b + 128);
}

sub _profile {
    my ($class, $space, $pcs, $name, @tags) = @_;
    my $description = 'desc' . pack('NN', 0, 1 + length $name) . "$name\0" . "\0" x 78;
    my $table = '';
    my $data = '';

    unshift @tags, [ 'desc', $description ], [ 'cprt', "text\0\0\0\0No rights reserved\0" ], [ 'wtpt', _xyz(0.9642, 1, 0.8249) ];
    for my $tag (@tags) {
        my ($signature, $bytes) = @{$tag};

        $data .= "\0" x (-length($data) % 4);
        $table .= $signature . pack 'NN', 128 + 4 + 12 * @tags + length $data, length $bytes;
        $data .= $bytes;
    }
    my $body = pack('N', scalar @tags) . $table . $data;
    my $header = pack 'Na4Na4a4a4n6a4a4NNNNNNN', 128 + length $body, '', 0x02400000, $class, $space, $pcs,
        2026, 1, 1, 0, 0, 0, 'acsp', '', 0, 0, 0, 0, 0, 0, 0;
    return pack('a68', substr $header, 0, 64) . pack('N3', 63190, 65536, 54061) . "\0" x 48 . $body;
}

sub _xyz {
    return "XYZ \0\0\0\0" . pack 'N3', map { int($_ * 65536 + 0.5) } @_;
}

1;
