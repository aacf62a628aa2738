# SPDX-License-Identifier: Apache-2.0
package IIIF::RawTiles;

# Tiles as they are stored, and whether an answer is one of them: the same entropy-coded bytes under the
# same tables, or, where a part was cut off, turned or left out, the same picture to the sample.

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use File::Temp ();
use HTTP::Response ();
use IIIF::JpegPyramid qw(level_of);
use IIIF::Client qw(plan_of);
use IIIF::JpegStream qw(jpeg jpeg_stream differences shown_as);
use IIIF::Pixels qw(crop decode difference grays picture);
use IIIF::TiffReader qw(levels_of tile_of);

our @EXPORT_OK = qw(fixture_levels stored_tile level_picture grid raw_faults cut_faults picture_of luma_of transposed
    apart in_srgb few);

my $FIXTURES = 'apxs-build/fixtures/images/raw';
my %levels;

# -- what is stored -----------------------------------------------------------------------------

# Its levels, largest first, as IIIF::TiffReader tells them. NAME is of a fixture, or a path.
sub fixture_levels {
    my ($name) = @_;
    my $path = $name =~ m{/} ? $name : "$FIXTURES/$name";
    my $modified = (stat $path)[9] // die "$path: $!\n";

    return @{ $levels{"$path $modified"} //= [ levels_of($path) ] };
}

# A tile of JPEG: its stream as jpeg() reads it, and as a file of its own (bytes), shown in the
# colours that PHOTOMETRIC means: rgb, or YCbCr and gray.
sub stored_tile {
    my ($name, $level, $column, $row, $photometric) = @_;
    my $directory = (fixture_levels($name))[$level];
    my $bytes = tile_of($directory, $column, $row);
    my $stream = jpeg($bytes, $directory->{tables});
    my @tables = $directory->{tables} ? grep { $_->[0] == 0xdb || $_->[0] == 0xc4 } tables_of($directory->{tables}) : ();
    my $whole = jpeg_stream([ @tables, @{ $stream->{segments} } ], $stream->{scan}, "\xff\xd9");

    return { stream => $stream, bytes => shown_as($whole, ($photometric // '') =~ /^rgb/ ? 0 : 1) };
}

sub tables_of {
    my ($bytes) = @_;
    my $frame = jpeg_stream([ [ 0xc0, "\x08\0\1\0\1\1\1\x11\0" ], [ 0xda, "\1\1\0\0\x3f\0" ] ], "\xff\xd9");

    # as a stream that ends with a frame of one pixel, which jpeg() can read
    return @{ jpeg(substr($bytes, 0, -2) . substr $frame, 2)->{segments} };
}

# A level of a coordinate picture (width, height, cell) as it would be rounded up: what viewers count on
sub level_picture {
    my ($full, $factor, $samples) = @_;
    my ($width, $height, $bytes) = level_of($full, $factor, 1, $samples eq 'gray' ? 1 : 3);
    return $samples eq 'gray' ? grays($width, $height, $bytes) : picture($width, $height, $bytes);
}

# Every tile of a level as viewers ask for it, factor being that of the level:
# { region, size, path ("x,y,w,h/w,h"), column, row, width, height, whole (is it a whole stored tile?) }
sub grid {
    my ($full, $tile, $factor) = @_;
    my ($width, $height) = @{$full};
    my ($across, $down) = map { $_ * $factor } @{$tile};
    my @tiles;

    for my $row (0 .. int(($height - 1) / $down)) {
        for my $column (0 .. int(($width - 1) / $across)) {
            my ($x, $y) = ($column * $across, $row * $down);
            my @region = ($x, $y, $width - $x < $across ? $width - $x : $across, $height - $y < $down ? $height - $y : $down);
            my @size = map { int(($_ + $factor - 1) / $factor) } @region[ 2, 3 ];

            push @tiles, {
                column => $column, row => $row, width => $size[0], height => $size[1], x => $x / $factor, y => $y / $factor,
                path => join(',', @region) . "/$size[0],$size[1]", whole => $size[0] == $tile->[0] && $size[1] == $tile->[1],
            };
        }
    }
    return @tiles;
}

# -- what is answered ---------------------------------------------------------------------------

my @STORED = qw(frame quantization huffman restart select scan);

# What is wrong with an answer that should be a stored tile behind a small head; '' when nothing is
sub raw_faults {
    my ($response, $stored, $photometric) = @_;
    return plan_of($response) if plan_of($response) ne '200 raw';
    return 'Content-Type ' . $response->header('Content-Type') if $response->header('Content-Type') ne 'image/jpeg';
    my $stream = eval { jpeg($response->content) } or return "no JPEG: $@";
    my $different = differences($stream, $stored->{stream}, @STORED);

    return "another $different" if $different;
    return 'bytes behind its end' if length $stream->{behind};
    return head_faults($stream, $photometric);
}

# APPn is of the module's making: JFIF, ICC, Adobe, and what they say
sub head_faults {
    my ($stream, $photometric) = @_;
    my $apps = $stream->{apps};
    my @strange = grep { $_ != 0 && $_ != 2 && $_ != 14 } sort { $a <=> $b } keys %{$apps};
    my ($adobe) = map { /^Adobe/ ? unpack 'x11 C', $_ : () } @{ $apps->{14} // [] };

    return "APP@strange" if @strange;
    return '' unless ($photometric // '') =~ /^rgb/;
    return 'no APP14 that says RGB' unless defined $adobe && $adobe == 0;
    return $apps->{0} ? 'JFIF, which cannot be RGB' : '';
}

# The same of a tile whose right and lower parts were cut off; subsampled chroma is interpolated
# across the cut, so there the last column and row do not count.
sub cut_faults {
    my ($response, $stored, $tile, $photometric) = @_;
    return plan_of($response) if plan_of($response) ne '200 raw';
    my $stream = eval { jpeg($response->content) } or return "no JPEG: $@";
    my $different = differences($stream, $stored->{stream}, 'quantization');
    my $got = picture_of($response->content);
    my $less = ($photometric // '') =~ /^2/ ? 1 : 0;
    my @part = (0, 0, $tile->{width} - $less, $tile->{height} - $less);

    return "another $different" if $different;
    return "$got->{width}x$got->{height}, not $tile->{width}x$tile->{height}" if "$got->{width} $got->{height}" ne "$tile->{width} $tile->{height}";
    return '' if $less && grep { $_ < 1 } @part[ 2, 3 ];
    my (undef, $apart) = difference(crop($got, @part), crop(picture_of($stored->{bytes}), @part));
    return $apart ? "samples are up to $apart off" : head_faults($stream, $photometric);
}

# -- pictures -----------------------------------------------------------------------------------

sub picture_of {
    my ($jpeg) = @_;
    return decode(HTTP::Response->new(200, 'OK', [ 'Content-Type' => 'image/jpeg' ], $jpeg));
}

# What Y is in a stream, in all three samples: shown as RGB, it stands where red does.
sub luma_of {
    my ($stored) = @_;
    my $picture = picture_of(shown_as($stored->{bytes}, 0));
    return picture(@{$picture}{qw(width height)}, join '', map { (substr $_, 0, 1) x 3 } unpack '(a3)*', $picture->{bytes});
}

# { destination => table }, as turning by a quarter leaves them: rows for columns
sub transposed {
    my ($quantization) = @_;
    my @zigzag = sort { _diagonal($a) <=> _diagonal($b) } 0 .. 63;
    my %place = map { $zigzag[$_] => $_ } 0 .. 63;
    my %turned;

    for my $destination (keys %{$quantization}) {
        my ($precision, @values) = unpack 'a (a2)64', $quantization->{$destination};
        $turned{$destination} = join '', $precision, map { $values[ $place{ ($_ % 8) * 8 + int($_ / 8) } ] } @zigzag;
    }
    return \%turned;
}

# Rank of a coefficient, row x 8 + column, in the order of T.81, figure 5: by diagonals, of which those
# with an even sum go up
sub _diagonal {
    my ($row, $column) = (int($_[0] / 8), $_[0] % 8);
    my $sum = $row + $column;
    return $sum * 8 + ($sum % 2 ? $row : $column);
}

# How far two pictures are apart: (mean, maximum), or a complaint about their shapes
sub apart {
    my ($got, $expected) = @_;
    my @shapes = map { "$_->{width}x$_->{height}" } $got, $expected;

    return $shapes[0] eq $shapes[1] ? difference($got, $expected) : ("is $shapes[0], not $shapes[1]", 255);
}

# Some of many complaints, in one line
sub few {
    my @complaints = @_;
    return @complaints > 3 ? join('; ', @complaints[ 0 .. 2 ]) . '; ... ' . @complaints . ' in all' : join '; ', @complaints;
}

# A JPEG as a browser shows it: by the profile that it carries, if any
sub in_srgb {
    my ($jpeg) = @_;
    return picture_of($jpeg) unless jpeg($jpeg)->{apps}{2};
    my ($in, $out) = map { File::Temp->new(SUFFIX => $_) } '.jpg', '.png';

    binmode $in;
    print {$in} $jpeg;
    close $in or die "$in: $!\n";
    system('vips', 'icc_transform', "$in", "$out", 'srgb', '--embedded', '--intent', 'relative') == 0 or die "no profile can be applied\n";
    open my $fh, '<:raw', "$out" or die "$out: $!\n";
    return decode(HTTP::Response->new(200, 'OK', [ 'Content-Type' => 'image/png' ], do { local $/ = undef; scalar readline $fh }));
}

1;
