# SPDX-License-Identifier: Apache-2.0
# Levels are read where they are stored, and tiles fit together: every tile that info.json announces
# is the right part of the picture.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Client qw(info);
use IIIF::Coordinates qw(level_bytes);
use IIIF::Pixels qw(fetch picture coordinates decode crop scale pixel difference);

my @tests;

# -- which level is read: each has a colour of its own. 2001 x 1501 halves to 1001 x 751 or 1000 x 750.

my @COLOURS = ([ 200, 0, 0 ], [ 0, 200, 0 ], [ 0, 0, 200 ], [ 200, 200, 0 ]);

# request: the smallest level that has a pixel for each that is wanted
my %LEVEL = (
    'full/max/0' => 0,
    'full/1500,/0' => 0,
    'full/1002,/0' => 0,
    'full/1001,751/0' => 1,
    'full/1000,/0' => 1,
    'full/600,/0' => 1,
    'full/501,376/0' => 2,
    'full/500,/0' => 2,
    'full/251,188/0' => 3,
    'full/250,/0' => 3,
    'full/100,/0' => 3,
    'full/200,/90' => 3,
    'full/200,/30' => 3,
    '0,0,256,256/256,/0' => 0,
    '0,0,512,512/256,/0' => 1,
    '512,512,512,512/256,/0' => 1,
    '0,0,1024,1024/256,/0' => 2,
    '1024,0,977,1024/245,256/0' => 2,
    '1536,1024,465,477/233,239/0' => 1,
    '0,0,2001,1501/251,188/0' => 3,
    '1001,701,1000,800/500,400/0' => 1,    # its edges are half a pixel off there, which nobody sees
    '1001,701,64,64/32,32/0' => 1,
);

# Where sides were rounded down, a level may lack the one pixel that viewers ask for at its end.
my %LEVEL_FLOOR = (
    %LEVEL,
    'full/1001,751/0' => 0,
    'full/501,376/0' => 1,
    'full/251,188/0' => 2,
    'full/250,/0' => 2,    # 188 high, too
    '0,0,2001,1501/251,188/0' => 2,
    '1024,0,977,1024/245,256/0' => 1,
    '1536,1024,465,477/233,239/0' => 0,
);
my %PYRAMID = ('levels-ceil' => \%LEVEL, 'levels-subifd' => \%LEVEL, 'levels-floor' => \%LEVEL_FLOOR,
    'levels-unmarked' => \%LEVEL_FLOOR, 'levels-big' => \%LEVEL_FLOOR);

for my $pyramid (sort keys %PYRAMID) {
    my $levels = $PYRAMID{$pyramid};

    for my $request (sort keys %{$levels}) {
        push @tests, sub {
            is level_read("/iiif/$pyramid.tif/$request/default.png"), "level $levels->{$request}", "$pyramid: $request";
        };
    }
    push @tests, sub {
        my $info = info("/iiif/$pyramid.tif");
        is "$info->{width}x$info->{height} $info->{tiles}[0]{width}x$info->{tiles}[0]{height}", '2001x1501 256x256',
            "$pyramid: info.json has the size of the largest level, and the file's tiles";
    };
}
push @tests, sub { is level_read('/pages/document.tif;3/full/500,/0/default.png'), 'level 2', 'a page has levels of its own' };
push @tests, sub { is level_read('/iiif/document.tif/full/150,/0/default.png'), '250 0 0', 'a page is no level of another' };

# -- tiles: the whole announced grid, each tile against the same part of the picture

# file: the picture, format to ask for, how far a tile's samples may be off on average as long as its
# squares have 8 pixels or more, and its red and green, which change slowly, at worst
my @GRIDS = (
    [ 'map-ceil.tif', [ 4001, 3003, 32 ], 'png', 0, 0 ],
    [ 'map-floor.tif', [ 4001, 3003, 32 ], 'png', 6, 12 ],
    [ 'map-subifd.tif', [ 4001, 3003, 32 ], 'png', 6, 12 ],
    [ 'map.tif', [ 4001, 3003, 32 ], 'jpg', 11, 40 ],
    [ 'map.jpg', [ 4001, 3003, 32 ], 'png', 9, 40 ],
    [ 'tiled.jp2', [ 1001, 803, 8 ], 'png', 6, 30 ],
    [ 'untiled.jp2', [ 1001, 803, 8 ], 'png', 6, 30 ],
    [ 'precincts.jp2', [ 1001, 803, 8 ], 'png', 6, 30 ],
    [ 'offset.jp2', [ 480, 320, 8 ], 'png', 6, 30 ],
    [ 'offset-tiles.j2k', [ 480, 320, 8 ], 'png', 6, 30 ],
    [ 'offset-12-bit.jp2', [ 480, 320, 8 ], 'png', 6, 30 ],
    [ 'subsampled-untiled.jp2', [ 1000, 800, 8 ], 'png', 9, 60 ],
    [ 'plain.png', [ 1000, 800, 8 ], 'png', 3, 12 ],
    [ 'thin.png', [ 1023, 1, 8 ], 'png', 3, 12 ],
    [ 'tall.png', [ 1, 1023, 8 ], 'png', 3, 12 ],
    [ 'dot.png', [ 1, 1, 8 ], 'png', 0, 0 ],
    [ 'odd.png', [ 255, 257, 8 ], 'png', 3, 12 ],
    [ 'oriented-6.jpg', [ 480, 320, 8 ], 'png', 6, 60 ],
);

for my $grid (@GRIDS) {
    my ($name, $sides, $format, $mean, $max) = @{$grid};

    push @tests, sub { is wrong_tiles('/iiif', $name, $sides, $format, $mean, $max), '', "$name: every announced tile is in its place" };
    push @tests, sub { is wrong_sizes("/iiif/$name"), '', "$name: every announced size is served" };
}
push @tests, sub { is wrong_tiles('/small-tiles', 'plain.jpg', [ 1000, 800, 8 ], 'png', 8, 60), '', 'IIIFTileSize 256: every announced tile is in its place' };

# -- tiles meet: one picture of all of them has no seam

for my $name (qw(map-ceil.tif map-floor.tif map-subifd.tif)) {
    for my $factor (1, 4) {
        push @tests, sub {
            my ($width, $height, $bytes) = stitch("/iiif/$name", $factor);
            my $expected = picture($width, $height, level_bytes(4001, 3003, 32, $factor, $width, $height));
            my ($mean) = difference(picture($width, $height, $bytes), $expected);
            cmp_ok $mean, '<=', $factor > 1 && $name ne 'map-ceil.tif' ? 2 : 0, "$name: stitched tiles are the picture, at scale factor $factor";
        };
    }
}

plan tests => scalar @tests;
$_->() for @tests;

sub level_read {
    my ($target) = @_;
    my $picture = decode(fetch($target));
    my @seen = (pixel($picture, int($picture->{width} / 2), int($picture->{height} / 2)))[ 0 .. 2 ];
    my ($level) = grep { "@{ $COLOURS[$_] }" eq "@seen" } 0 .. $#COLOURS;

    return defined $level ? "level $level" : "@seen";
}

# Every tile of info.json as viewers ask for it: [x, y, width, height, width and height of the answer]
sub tiles_of {
    my ($info, $factor) = @_;
    my ($tile) = @{ $info->{tiles} };
    my ($across, $down) = map { $tile->{$_} * $factor } qw(width height);
    my @tiles;

    for (my $y = 0; $y < $info->{height}; $y += $down) {
        for (my $x = 0; $x < $info->{width}; $x += $across) {
            my $width = $x + $across > $info->{width} ? $info->{width} - $x : $across;
            my $height = $y + $down > $info->{height} ? $info->{height} - $y : $down;
            push @tiles, [ $x, $y, $width, $height, map { int(($_ + $factor - 1) / $factor) } $width, $height ];
        }
    }
    return @tiles;
}

sub tile_path {
    my ($tile) = @_;
    return sprintf '%d,%d,%d,%d/%d,%d/0/default', @{$tile};
}

# Tiles that are not there or show something else, worst first; '' when all are right
sub wrong_tiles {
    my ($prefix, $name, $sides, $format, $mean, $max) = @_;
    my $info = info("$prefix/$name");
    my $picture = coordinates(@{$sides});
    my @factors = @{ $info->{tiles}[0]{scaleFactors} };
    my @wrong;

    for my $factor (@factors) {
        my $level = $factor <= $sides->[2] ? _level($sides, $factor) : undef;

        for my $tile (tiles_of($info, $factor)) {
            my $path = tile_path($tile);
            my $got = eval { decode(fetch("$prefix/$name/$path.$format")) };
            my $expected = expected_tile($picture, $level, $tile, $factor);
            my $complaint = $got ? complaint($got, $expected, $sides->[2] >= 8 * $factor ? $mean : 255, $max) : "no picture: $@";
            push @wrong, "$path: $complaint\n" if $complaint;
        }
    }
    return @wrong > 5 ? join('', @wrong[ 0 .. 4 ]) . '... ' . @wrong . ' in all' : join '', @wrong;
}

sub _level {
    my ($sides, $factor) = @_;
    my ($width, $height) = map { int(($_ + $factor - 1) / $factor) } @{$sides}[ 0, 1 ];
    return picture($width, $height, level_bytes(@{$sides}, $factor, $width, $height));
}

# From the level by arithmetic; where the squares are smaller than a pixel, scaled by Image::Magick
sub expected_tile {
    my ($picture, $level, $tile, $factor) = @_;
    my ($x, $y, $width, $height, @size) = @{$tile};

    return scale(crop($picture, $x, $y, $width, $height), @size) unless $level;
    return crop($level, $x / $factor, $y / $factor, @size);
}

sub complaint {
    my ($got, $expected, $mean, $max) = @_;
    my @shapes = map { "$_->{width}x$_->{height}" } $got, $expected;
    return "is $shapes[0], not $shapes[1]" if $shapes[0] ne $shapes[1];

    my ($is_mean) = difference($got, $expected);
    my (undef, $is_max) = difference(map { { bytes => $_->{bytes} & "\xff\xff\0" x ($_->{width} * $_->{height}) } } $got, $expected);
    return $is_mean > $mean || $is_max > $max ? sprintf 'mean %.1f, red or green up to %d', $is_mean, $is_max : '';
}

# Announced sizes whose answers have other sides
sub wrong_sizes {
    my ($base) = @_;
    my @wrong = grep {
        my $got = eval { decode(fetch("$base/full/$_/0/default.jpg")) };
        !$got || "$got->{width},$got->{height}" ne $_;
    } map { "$_->{width},$_->{height}" } @{ info($base)->{sizes} };

    return "@wrong";
}

sub stitch {
    my ($base, $factor) = @_;
    my $info = info($base);
    my @rows;

    for my $tile (tiles_of($info, $factor)) {
        my $got = decode(fetch("$base/" . tile_path($tile) . '.png'));
        my $top = $tile->[1] / $factor;
        my $length = 3 * $got->{width};

        $rows[ $top + $_ ] .= substr $got->{bytes}, $_ * $length, $length for 0 .. $got->{height} - 1;
    }
    return (length($rows[0]) / 3, scalar @rows, join '', @rows);
}
