# SPDX-License-Identifier: Apache-2.0
package IIIF::TiffReader;

# The tiles of a TIFF as they are stored, read without libtiff (TIFF 6.0; BigTIFF).

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);

our @EXPORT_OK = qw(levels_of tile_of);

my %LETTER = (1 => 'C', 3 => 'S', 4 => 'L', 13 => 'L', 16 => 'Q', 18 => 'Q');
my %BYTES = (C => 1, S => 2, L => 4, Q => 8);

# levels_of(PATH): a hash for each directory, in the order of the file, each followed by its SubIFDs:
# path; width, height; across and down: sides of a tile; offsets, lengths; tables (JPEGTables) or undef.
sub levels_of {
    my ($path) = @_;
    open my $fh, '<:raw', $path or die "$path: $!\n";
    my $order = { II => '<', MM => '>' }->{ _bytes($fh, 0, 2) } // die "$path is no TIFF\n";
    my $big = unpack("S$order", _bytes($fh, 2, 2)) == 43;
    my $r = { path => $path, fh => $fh, order => $order, big => $big, pointer => $big ? 'Q' : 'L' };
    my ($at, @levels) = _numbers($r, $big ? 8 : 4, $r->{pointer}, 1);

    while ($at) {
        my ($level, $next) = _directory($r, $at);
        push @levels, $level, map { (_directory($r, $_))[0] } @{ $level->{subifds} };
        $at = $next;
    }
    return @levels;
}

# tile_of(LEVEL, COLUMN, ROW): the bytes stored for a tile
sub tile_of {
    my ($level, $column, $row) = @_;
    my $index = $column + $row * int(($level->{width} + $level->{across} - 1) / $level->{across});
    open my $fh, '<:raw', $level->{path} or die "$level->{path}: $!\n";

    return _bytes($fh, $level->{offsets}[$index], $level->{lengths}[$index]);
}

sub _bytes {
    my ($fh, $at, $length) = @_;

    seek $fh, $at, 0 or die "no such place: $at\n";
    (read($fh, my $bytes, $length) // 0) == $length or die "the file ends before $at + $length\n";
    return $bytes;
}

sub _numbers {
    my ($r, $at, $letter, $count) = @_;
    return unpack "($letter$r->{order})*", _bytes($r->{fh}, $at, $count * $BYTES{$letter});
}

# The directory at an offset, and where the next one is
sub _directory {
    my ($r, $at) = @_;
    my ($count) = _numbers($r, $at, $r->{big} ? 'Q' : 'S', 1);
    my ($first, $size) = $r->{big} ? ($at + 8, 20) : ($at + 2, 12);
    my %tags = map { _entry($r, $first + $_ * $size) } 0 .. $count - 1;
    my ($next) = _numbers($r, $first + $count * $size, $r->{pointer}, 1);

    return ({
        path => $r->{path}, width => $tags{256}[0], height => $tags{257}[0], across => $tags{322}[0], down => $tags{323}[0],
        offsets => $tags{324}, lengths => $tags{325}, subifds => $tags{330} // [], tables => $tags{347} && $tags{347}[0],
    }, $next);
}

# tag => values; a list of bytes is one string
sub _entry {
    my ($r, $at) = @_;
    my ($tag, $type) = _numbers($r, $at, 'S', 2);
    my ($count) = _numbers($r, $at + 4, $r->{pointer}, 1);
    my $letter = $LETTER{$type};
    my $length = $count * ($letter ? $BYTES{$letter} : 1);
    my $value = $at + ($r->{big} ? 12 : 8);

    return if !$letter && $type != 7;
    ($value) = _numbers($r, $value, $r->{pointer}, 1) if $length > ($r->{big} ? 8 : 4);
    return ($tag => $letter ? [ _numbers($r, $value, $letter, $count) ] : [ _bytes($r->{fh}, $value, $length) ]);
}

1;
