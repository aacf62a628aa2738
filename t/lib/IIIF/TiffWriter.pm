# SPDX-License-Identifier: Apache-2.0
package IIIF::TiffWriter;

# TIFF files of any structure, byte by byte (TIFF 6.0; BigTIFF), so that fixtures hold what no usual
# writer makes, and what is read is no mirror of what libtiff writes.

use strict;
use warnings FATAL => 'all';

use Compress::Zlib qw(compress);
use Exporter qw(import);

our @EXPORT_OK = qw(tiff cut_tiles);

my %BYTES = (3 => 2, 4 => 4, 7 => 1, 16 => 8);    # SHORT LONG UNDEFINED LONG8
my %LETTER = (3 => 'S', 4 => 'L', 16 => 'Q');

# tiff({ directories => [ ... ], endian => '<' or '>', big => 1, loop => 1 }). A directory:
#   width height samples bits data   pixels row by row, in the file's byte order
#   tile           side of the tiles, or [width, height]; without it, strips of 64 rows
#   blank          [index...] of tiles that are left out, as in a sparse file: at 0 with 0 bytes
#   tiles          instead of data: the tiles as they are to be stored; undef: a sparse one, at 0 with 0 bytes
#   compression    of these; without it, deflate
#   offsets lengths  { number of a tile => what the directory says instead of the truth, or a function of all true ones }
#   kept           how many entries the lists of offsets and lengths have, when not all
#   photometric    0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 separated, 8 CIELab
#   subifds        directories below this one
#   tags           { number => [type, values...] } for everything else
# loop: the last directory says that the first comes next.
sub tiff {
    my ($file) = @_;
    my $w = { out => '', endian => $file->{endian} // '<', big => $file->{big} };
    my $pointer = _header($w);
    my $first;

    for my $directory (@{ $file->{directories} }) {
        my ($at, $next) = _directory($w, $directory);

        $first //= $at;
        _patch($w, $pointer, $at);
        $pointer = $next;
    }
    _patch($w, $pointer, $first) if $file->{loop};
    return $w->{out};
}

sub _header {
    my ($w) = @_;

    $w->{out} = $w->{endian} eq '<' ? 'II' : 'MM';
    $w->{out} .= _pack($w, 3, $w->{big} ? (43, 8, 0) : 42);
    my $pointer = length $w->{out};
    $w->{out} .= _pack($w, _offset_type($w), 0);
    return $pointer;
}

sub _offset_type {
    my ($w) = @_;
    return $w->{big} ? 16 : 4;
}

sub _pack {
    my ($w, $type, @values) = @_;
    return $values[0] if $type == 7;
    return pack "($LETTER{$type}$w->{endian})*", @values;
}

sub _patch {
    my ($w, $at, $offset) = @_;
    my $bytes = _pack($w, _offset_type($w), $offset);

    substr $w->{out}, $at, length $bytes, $bytes;
    return;
}

# Appends on an even offset, and tells where.
sub _append {
    my ($w, $bytes) = @_;

    $w->{out} .= "\0" if length($w->{out}) % 2;
    my $at = length $w->{out};
    $w->{out} .= $bytes;
    return $at;
}

# Where the directory is, and where its pointer to the next one is
sub _directory {
    my ($w, $d) = @_;
    my %tags = (_tags($w, $d), %{ $d->{tags} // {} });

    if ($d->{subifds}) {
        my @at = map { (_directory($w, $_))[0] } @{ $d->{subifds} };
        $tags{330} = [ _offset_type($w), @at ];
    }
    my $entries = join '', map { _entry($w, $_, @{ $tags{$_} }) } sort { $a <=> $b } keys %tags;
    my $count = keys %tags;
    my $head = $w->{big} ? pack("Q$w->{endian}", $count) : pack("S$w->{endian}", $count);
    my $at = _append($w, $head . $entries . _pack($w, _offset_type($w), 0));
    return ($at, $at + length($head) + length $entries);
}

sub _tags {
    my ($w, $d) = @_;
    my @blocks = $d->{tiles} ? @{ $d->{tiles} } : $d->{tile} ? _tiles($d) : _strips($d);
    my ($offsets, $lengths) = _lists($w, $d, @blocks);
    my %tags = (
        256 => [ 4, $d->{width} ],
        257 => [ 4, $d->{height} ],
        258 => [ 3, ($d->{bits}) x $d->{samples} ],
        259 => [ 3, $d->{compression} // 8 ],
        262 => [ 3, $d->{photometric} ],
        277 => [ 3, $d->{samples} ],
    );
    my ($across, $down) = _sides($d);

    return $d->{tile}
        ? (%tags, 322 => [ 4, $across ], 323 => [ 4, $down ], 324 => $offsets, 325 => $lengths)
        : (%tags, 278 => [ 4, 64 ], 273 => $offsets, 279 => $lengths);
}

sub _sides {
    my ($d) = @_;
    return ref $d->{tile} ? @{ $d->{tile} } : ($d->{tile}) x 2;
}

# Values of the tags that say where blocks are, and how long
sub _lists {
    my ($w, $d, @blocks) = @_;
    my @at = map { defined $_ ? _append($w, $_) : 0 } @blocks;
    my @long = map { length($_ // '') } @blocks;
    my @offsets = _said($d->{offsets}, @at);
    my @lengths = _said($d->{lengths}, @long);
    my $last = ($d->{kept} // @blocks) - 1;

    # what is longer than a LONG can say is a lie that needs a LONG8
    my $wide = grep { $_ > 0xffffffff } @lengths;
    return ([ _offset_type($w), @offsets[ 0 .. $last ] ], [ $wide ? 16 : 4, @lengths[ 0 .. $last ] ]);
}

sub _said {
    my ($instead, @true) = @_;
    return map { my $said = $instead->{$_} // $true[$_]; ref $said ? $said->(@true) : $said } 0 .. $#true;
}

sub _entry {
    my ($w, $number, $type, @values) = @_;
    my $bytes = _pack($w, $type, @values);
    my $room = $w->{big} ? 8 : 4;
    my $count = length($bytes) / $BYTES{$type};

    $bytes = _pack($w, _offset_type($w), _append($w, $bytes)) if length $bytes > $room;
    $bytes .= "\0" x ($room - length $bytes);
    return _pack($w, 3, $number, $type) . _pack($w, _offset_type($w), $count) . $bytes;
}

sub _strips {
    my ($d) = @_;
    my $length = 64 * $d->{width} * $d->{samples} * $d->{bits} / 8;
    return map { compress($_) } unpack "(a$length)*", $d->{data};
}

# Tiles at the right and lower edge are filled up with zeros.
sub _tiles {
    my ($d) = @_;
    my $pixel = $d->{samples} * $d->{bits} / 8;
    my ($across, $down) = _sides($d);
    my @tiles = map { compress($_) } cut_tiles($d->{data}, $d->{width} * $pixel, $across * $pixel, $down, "\0");

    $tiles[$_] = undef for @{ $d->{blank} // [] };
    return @tiles;
}

# cut_tiles(DATA, ROW, WIDTH, HEIGHT, FILL): data with rows of so many bytes as tiles of so many bytes
# by so many rows; what they have beyond the right and lower edge is FILL, again and again.
sub cut_tiles {
    my ($data, $row, $width, $height, $fill) = @_;
    my @rows = unpack "(a$row)*", $data;
    my $padding = $fill x ($width / length $fill);
    my @tiles;

    while (my @band = splice @rows, 0, $height) {
        push @band, ('') x ($height - @band);
        for (my $x = 0; $x < $row; $x += $width) {
            push @tiles, join '', map { my $part = length $_ ? substr $_, $x, $width : ''; $part . substr $padding, length $part } @band;
        }
    }
    return @tiles;
}

1;
