# SPDX-License-Identifier: Apache-2.0
# Tiles that are stored as JPEG or WebP leave as they are stored: the same entropy-coded bytes behind a
# head, edges cut without loss, and the right picture in every other case.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Client qw(info plan_of);
use IIIF::FileWriter qw(rgb_profile);
use IIIF::JpegStream qw(jpeg);
use IIIF::Pixels qw(fetch picture decode crop turn mirror shows);
use IIIF::RawTiles qw(fixture_levels stored_tile level_picture grid raw_faults cut_faults picture_of luma_of
    transposed apart in_srgb few);
use IIIF::TiffReader qw(tile_of);

my @tests;
my @ODD = (1001, 701, 32);
my @EVEN = (1024, 1024, 32);
my @LARGE = (2100, 1100, 32);
my @SMALL = (600, 500, 8);

# -- every way to store a tile, and the whole grid that viewers ask for ---------------------------

# file: its picture, sides of a tile, what its samples are, are levels rounded up?, and by how much
# samples may be off on average from the picture by arithmetic
my %STORED = (
    '420.tif' => [ \@ODD, [ 256, 256 ], '2x2', 1, 7 ],
    '422.tif' => [ \@ODD, [ 256, 256 ], '2x1', 1, 6 ],
    '444.tif' => [ \@ODD, [ 256, 256 ], '1x1', 1, 4 ],
    'gray.tif' => [ \@ODD, [ 256, 256 ], 'gray', 1, 4 ],
    'rgb.tif' => [ \@ODD, [ 256, 256 ], 'rgb', 1, 4 ],
    '128x256.tif' => [ \@ODD, [ 128, 256 ], '1x1', 1, 4 ],
    '240.tif' => [ \@ODD, [ 240, 240 ], '2x2', 1, 7 ],
    '1024.tif' => [ \@LARGE, [ 1024, 1024 ], '2x2', 1, 7 ],
    'even.tif' => [ \@EVEN, [ 256, 256 ], '1x1', 1, 4 ],
    'even-420.tif' => [ \@EVEN, [ 256, 256 ], '2x2', 1, 7 ],
    'even-gray.tif' => [ \@EVEN, [ 256, 256 ], 'gray', 1, 4 ],
    'floor.tif' => [ \@ODD, [ 256, 256 ], '2x2', 0, 7 ],
    'vips-420.tif' => [ \@ODD, [ 256, 256 ], '2x2', 0, 7 ],
    'vips-rgb.tif' => [ \@ODD, [ 256, 256 ], 'rgb', 0, 4 ],
    'srgb.tif' => [ \@ODD, [ 256, 256 ], '2x2', 1, 7 ],
);

for my $name (sort keys %STORED) {
    my ($full, $tile, $samples) = @{ $STORED{$name} };

    push @tests, sub {
        my $info = info("/raw/$name");
        my ($announced) = @{ $info->{tiles} };
        is "$info->{width}x$info->{height}, $announced->{width}x$announced->{height} of @{ $announced->{scaleFactors} }[0 .. 2]",
            "$full->[0]x$full->[1], $tile->[0]x$tile->[1] of 1 2 4", "$name: info.json announces the tiles and levels that are stored";
    };
    push @tests, sub {
        my $seen = ask_for_all($name);
        is $seen->{wrong}, '', "$name: every tile shows its part of the picture";
        is $seen->{changed}, '', "$name: whole tiles are the stored bytes";
        is $seen->{unlike}, '', "$name: edges are cut without loss";
        is $seen->{rendered}, '', "$name: edges that are not stored as asked for are rendered";
    };
}

# Complaints about the tiles of a file, asked for as viewers do
sub ask_for_all {
    my ($name) = @_;
    my ($full, $tile, $samples, $up, $mean) = @{ $STORED{$name} };
    my %seen = map { $_ => [] } qw(wrong changed unlike rendered);

    for my $level (0 .. 2) {
        my $factor = 2**$level;
        my $stored = (fixture_levels($name))[$level];
        my $picture = level_picture($full, $factor, $samples);

        for my $wanted (grid([ @{$full}[ 0, 1 ] ], $tile, $factor)) {
            my $response = fetch("/raw/$name/$wanted->{path}/0/default.jpg");
            my $got = eval { decode($response) };
            my @off = $got ? apart($got, crop($picture, @{$wanted}{qw(x y width height)})) : ("no picture: $@", 255);
            my ($list, $fault) = tile_fault($name, $level, $wanted, $stored, $response);

            # the squares of a smaller level are smaller, so more of them is edge
            push @{ $seen{wrong} }, "$wanted->{path}: $off[0]" if $off[0] !~ /^[\d.e-]+$/ || $off[0] > ($up ? $mean : 1.5 * $mean) * (1 + $level / 2);
            push @{ $seen{$list} }, "$wanted->{path}: $fault" if $fault;
        }
    }
    return { map { $_ => few(@{ $seen{$_} }) } keys %seen };
}

# The list that a complaint belongs to, and the complaint
sub tile_fault {
    my ($name, $level, $wanted, $stored, $response) = @_;
    my ($samples, $across, $down) = ($STORED{$name}[2], @{ $STORED{$name}[1] });
    my @left = ($stored->{width} - $wanted->{column} * $across, $stored->{height} - $wanted->{row} * $down);
    my @part = map { $left[$_] < ($across, $down)[$_] ? $left[$_] : ($across, $down)[$_] } 0, 1;

    return (rendered => plan_of($response) eq '200 render' ? '' : plan_of($response)) if "@part" ne "$wanted->{width} $wanted->{height}";
    my $tile = stored_tile($name, $level, $wanted->{column}, $wanted->{row}, $samples);
    return (changed => raw_faults($response, $tile, $samples)) if $wanted->{whole};
    return (unlike => cut_faults($response, $tile, $wanted, $samples));
}

# -- OpenSeadragon asks for a level that fits one tile as "full", and in version 2 by its width alone

for my $name ('420.tif', '444.tif', 'gray.tif', 'rgb.tif') {
    for my $path ('3/%s/full/251,176', '2/%s/full/251,', '%s/full/251,176', '%s/full/251,', '%s/full/,176', '%s/full/!251,300') {
        push @tests, sub {
            my $tile = stored_tile($name, 2, 0, 0, $STORED{$name}[2]);
            my $response = fetch('/raw/' . sprintf "$path/0/default.jpg", $name);
            is cut_faults($response, $tile, { width => 251, height => 176 }, $STORED{$name}[2]), '',
                sprintf "$path is the one tile of its level", $name;
        };
    }
}

# -- one tile, however it is asked for: the same bytes, and the same validator

# commas belong to sizes and regions
sub words {
    my ($text) = @_;
    return split ' ', $text;
}

# level, column, row: version (none: each) => spellings
my @SPELLINGS = (
    [ [ 0, 1, 1 ],
        [ '', words('256,256,256,256/256,256 256,256,256,256/256, 256,256,256,256/,256 256,256,256,256/!256,256
            256,256,256,256/!256,900 256,256,256,256/max 256,256,256,256/pct:100 pct:25,25,25,25/max
            pct:25,25,25,25/256,256 pct:25.0,25.00,25,25/256,') ],
        [ '3/', '256,256,256,256/^256,', 'pct:25,25,25,25/^pct:100' ],
        [ '2/', '256,256,256,256/full', 'pct:25,25,25,25/full' ] ],
    [ [ 0, 3, 3 ],
        [ '', words('768,768,256,256/max 768,768,9999,9999/max 768,768,999,999/256, pct:75,75,25,25/max pct:75,75,99,99/256,256') ] ],
    [ [ 1, 1, 0 ],
        [ '', words('512,0,512,512/256,256 512,0,512,512/256, 512,0,512,512/,256 512,0,512,512/!256,256 512,0,512,512/pct:50
            512,0,900,512/!300,256 pct:50,0,50,50/256, pct:50,0,50,50/pct:50') ] ],
    [ [ 2, 0, 0 ],
        [ '', words('full/256,256 full/256, full/,256 full/!256,256 full/pct:25 square/256, square/pct:25 0,0,1024,1024/256,
            pct:0,0,100,100/256, 0,0,2000,2000/,256') ],
        [ '3/', 'full/^256,' ] ],
);

for my $name ('even.tif', 'even-420.tif') {
    for my $spelling (@SPELLINGS) {
        my ($place, @lists) = @{$spelling};
        my $stored = stored_tile($name, @{$place});
        my @paths = map { my ($version, @paths) = @{$_}; map { "$version$name/$_/0" } @paths } @lists;
        push @paths, map { "$_$name/$lists[0][1]/0" } '2/', '3/';

        for my $path (map { ("$_/default", "$_/color") } @paths) {
            push @tests, sub {
                my ($first, $response) = map { fetch("/raw/$_.jpg") } "$paths[0]/default", $path;
                is raw_faults($response, $stored), '', "$path: the stored bytes";
                ok $response->content eq $first->content, "$path: the same bytes in every spelling";
                is $response->header('ETag'), $first->header('ETag'), "$path: the same ETag";
            };
        }
    }
}

# -- levels in tiles of another size are announced so, behind what holds for all

push @tests, sub {
    is_deeply info('/raw/mixed.tif')->{tiles}, [ { width => 256, height => 256, scaleFactors => [ 1, 2, 4 ] },
        { width => 128, height => 128, scaleFactors => [ 2, 4 ] } ], 'mixed.tif: tiles of both sizes are announced';
    is_deeply info('/raw/2/mixed.tif')->{tiles}, [ { width => 256, scaleFactors => [ 1, 2, 4 ] }, { width => 128, scaleFactors => [ 2, 4 ] } ],
        'mixed.tif: in version 2, too';
};
for my $level (0 .. 2) {
    push @tests, sub {
        my @faults;
        for my $wanted (grid([ @EVEN[ 0, 1 ] ], $level ? [ 128, 128 ] : [ 256, 256 ], 2**$level)) {
            my $stored = stored_tile('mixed.tif', $level, $wanted->{column}, $wanted->{row});
            push @faults, grep { $_ } raw_faults(fetch("/raw/mixed.tif/$wanted->{path}/0/default.jpg"), $stored);
        }
        is few(@faults), '', "mixed.tif: all tiles of level $level are the stored bytes";
    };
}
push @tests, sub {
    is_deeply info('/raw-max-255/mixed.tif')->{tiles}, [ { width => 128, height => 128, scaleFactors => [ 1, 2, 4, 8 ] } ],
        'mixed.tif: where the limits allow smaller tiles alone, they are of one size';
};

# -- what is not exactly one stored tile is rendered

for my $path (words('256,256,256,256/255, 256,256,256,256/256,255 256,256,256,256/^512, 256,256,256,256/^pct:200
    255,256,256,256/256, 256,255,256,256/256,256 256,256,255,256/max 256,256,512,256/max 256,256,512,512/512,512
    256,0,512,512/256, full/512,512 full/max 0,0,256,256/128,')) {
    push @tests, sub { is plan_of(fetch("/raw/even.tif/$path/0/default.jpg")), '200 render', "$path is no stored tile" };
}
for my $rest (qw(0/default.png 0/default.webp 0/bitonal.jpg 45/default.jpg 0.5/default.jpg 0/default.tif 0/default.pdf)) {
    push @tests, sub { is plan_of(fetch("/raw/even.tif/256,256,256,256/max/$rest")), '200 render', "a stored tile as $rest is rendered" };
}

# -- gray, turned and mirrored without loss

# rotation: is it mirrored before, and quarters clockwise
my %TURNS = ('0' => [ 0, 0 ], '90' => [ 0, 1 ], '180' => [ 0, 2 ], '270' => [ 0, 3 ],
    '!0' => [ 1, 0 ], '!90' => [ 1, 1 ], '!180' => [ 1, 2 ], '!270' => [ 1, 3 ]);

# How far samples may be off where rows and columns change places: decoders round between the two
# passes of the inverse DCT, and interpolate chroma with a bias to the left.
my %ROUNDING = ('even.tif' => [ 3, 0 ], 'even-gray.tif' => [ 1, 0 ], 'even-420.tif' => [ 6, 6 ]);

for my $name (sort keys %ROUNDING) {
    for my $turn (sort keys %TURNS) {
        for my $quality ('default', $name eq 'even-gray.tif' ? () : 'gray') {
            next if "$turn $quality" eq '0 default';
            push @tests, sub { is turn_faults($name, $turn, $quality), '', "$name: a stored tile turned by $turn in $quality loses nothing" };
        }
    }
}

sub turn_faults {
    my ($name, $turn, $quality) = @_;
    my ($mirrored, $quarters) = @{ $TURNS{$turn} };
    my $stored = stored_tile($name, 0, 2, 1);
    my $response = fetch("/raw/$name/512,256,256,256/max/$turn/$quality.jpg");
    return plan_of($response) if plan_of($response) ne '200 raw';
    my $stream = eval { jpeg($response->content) } or return "no JPEG: $@";
    my $gray = $stored->{stream}{components} == 1 || $quality eq 'gray';
    return "$stream->{components} components" if $stream->{components} != ($gray ? 1 : 3);

    my $tables = $quarters % 2 ? transposed($stored->{stream}{quantization}) : $stored->{stream}{quantization};
    my @lost = grep { $stream->{quantization}{$_} ne $tables->{$_} } $gray ? 0 : sort keys %{$tables};
    return "other quantization @lost" if @lost;
    my $expected = $quality eq 'gray' ? luma_of($stored) : picture_of($stored->{bytes});
    my $allowed = ($gray ? [ 1, 0 ] : $ROUNDING{$name})->[ $quarters % 2 ? 0 : 1 ];
    my ($mean, $max) = apart(picture_of($response->content), turn($mirrored ? mirror($expected) : $expected, $quarters));
    return $max > $allowed ? "samples are $mean off, at worst $max" : '';
}

# Edges that end within an MCU, and every other file: the right pixels, however they are made
for my $case ([ '420.tif', 7 ], [ '444.tif', 4 ], [ 'rgb.tif', 4 ]) {
    my ($name, $mean) = @{$case};
    my $edge = crop(level_picture(\@ODD, 1, '1x1'), 768, 512, 233, 189);

    for my $turn (sort keys %TURNS) {
        my ($mirrored, $quarters) = @{ $TURNS{$turn} };
        push @tests, sub {
            shows("/raw/$name/768,512,256,256/max/$turn/default.jpg", turn($mirrored ? mirror($edge) : $edge, $quarters), $mean, 255,
                "$name: the last tile turned by $turn");
        };
    }
    push @tests, sub {
        my $inner = crop(level_picture(\@ODD, 1, '1x1'), 256, 256, 256, 256);
        shows("/raw/$name/256,256,256,256/max/0/gray.jpg", IIIF::Pixels::shade($inner), 4, 255, "$name: gray is luma");
    };
}
push @tests, sub {
    my $cut = fetch('/raw/444.tif/768,512,256,256/max/0/gray.jpg');
    my ($mean, $max) = apart(eval { decode($cut) } // { width => 0, height => 0 }, crop(luma_of(stored_tile('444.tif', 0, 3, 2)), 0, 0, 233, 189));
    is $max, 0, 'the last tile in gray is luma, to the sample';
};

# -- WebP

for my $name ('webp-lossy.tif', 'webp-lossless.tif') {
    my $full = $name eq 'webp-lossy.tif' ? \@EVEN : \@ODD;

    for my $level (0, 1) {
        my $column = $level ? 0 : 1;    # the second of a smaller level may be cut
        my ($tile) = grep { $_->{column} == $column && $_->{row} == 0 } grid([ @{$full}[ 0, 1 ] ], [ 256, 256 ], 2**$level);
        push @tests, sub {
            my $response = fetch("/raw/$name/$tile->{path}/0/default.webp");
            is plan_of($response) . ' ' . $response->header('Content-Type'), '200 raw image/webp',
                "$name: a whole tile of level $level leaves as it is";
            ok $response->content eq tile_of((fixture_levels($name))[$level], $column, 0), "$name: a whole tile of level $level is the stored bytes";
        };
        push @tests, sub {
            my $part = crop(level_picture($full, 2**$level, '1x1'), @{$tile}{qw(x y width height)});
            shows("/raw/$name/$tile->{path}/0/default.jpg", $part, 9, 255, "$name: as JPEG it is rendered");
        };
    }
    for my $wanted ('768,512,256,256/max', '0,512,256,256/max') {
        my ($x, $y) = $wanted =~ /^(\d+),(\d+)/;
        my $picture = crop(level_picture($full, 1, '1x1'), $x, $y, map { $_ > 256 ? 256 : $_ } $full->[0] - $x, $full->[1] - $y);
        push @tests, sub { shows("/raw/$name/$wanted/0/default.webp", $picture, 9, 255, "$name: $wanted has its own size, not a tile's") };
    }
}

# -- profiles

for my $name ('wide-gamut.tif', 'wide-gamut-rgb.tif') {
    for my $path ('256,256,256,256/max', '768,512,256,256/max', '0,0,512,512/256,', 'full/251,176') {
        push @tests, sub {
            my ($raw, $rendered) = map { fetch("/raw/$name/$path/0/default.$_") } 'jpg', 'png';
            is plan_of($raw), '200 raw', "$name: $path is a stored tile";
            is_deeply jpeg($raw->content)->{apps}{2}, [ "ICC_PROFILE\0\1\1" . rgb_profile() ], "$name: $path carries the profile";
            my ($mean, $max) = apart(in_srgb($raw->content), decode($rendered));
            cmp_ok $mean, '<=', 2, "$name: $path looks as it does when it is rendered";
        };
    }
    push @tests, sub {
        my $answer = fetch("/raw/$name/100,100,256,256/max/0/default.jpg");
        unlike $answer->content, qr/ICC_PROFILE/, "$name: what is rendered is in sRGB";
        my ($mean) = apart(in_srgb($answer->content), decode(fetch("/raw/$name/100,100,256,256/max/0/default.png")));
        cmp_ok $mean, '<=', 4, "$name: and looks so";
    };
}

# -- what no stored stream shows as it is

# file, request, how it was made, what it shows, and how far off on average
my $even = sub { crop(level_picture(\@EVEN, 1, '1x1'), @_) };
my $small = sub { crop(level_picture(\@SMALL, 1, '1x1'), 256, 0, 256, 256) };
my $negative = sub { crop(level_picture(\@SMALL, 1, 'gray'), 256, 0, 256, 256) };
my @SHOWN = (
    [ 'oriented-2.tif', '256,256,256,256/max', 'render', sub { mirror($even->(512, 256, 256, 256)) }, 4 ],
    [ 'oriented-3.tif', '256,256,256,256/max', 'render', sub { turn($even->(512, 512, 256, 256), 2) }, 4 ],
    [ 'oriented-6.tif', '0,256,256,256/max', 'render', sub { turn($even->(256, 768, 256, 256), 1) }, 4 ],
    [ 'white-is-zero.tif', '256,0,256,256/max', 'render', sub { my $p = $negative->(); picture(256, 256, ~$p->{bytes}) }, 4 ],
    [ 'adobe-rgb-marker.tif', '256,0,256,256/max', undef, $small, 9 ],
    [ 'rgb-jfif.tif', '256,256,256,256/max', 'render', sub { crop(level_picture(\@ODD, 1, 'rgb'), 256, 256, 256, 256) }, 9 ],
    [ 'rgb-jfif.tif', '768,512,256,256/max', 'render', sub { crop(level_picture(\@ODD, 1, 'rgb'), 768, 512, 233, 189) }, 9 ],
    [ 'named-rgb.tif', '256,0,256,256/max', undef, $small, 9 ],
    [ 'exif-in-tiles.tif', '256,0,256,256/max', undef, $small, 9 ],
    [ 'other-profile.tif', '256,0,256,256/max', undef, $small, 9 ],
    [ 'progressive.tif', '256,0,256,256/max', undef, $small, 12 ],
    [ 'strips.tif', '256,0,256,256/max', 'render', $small, 12 ],
    [ 'own-table.tif', '256,0,256,256/max', 'raw', $small, 12 ],
    [ 'shared.tif', '256,0,256,256/max', 'raw', sub { crop(level_picture(\@SMALL, 1, '1x1'), 0, 0, 256, 256) }, 9 ],
);
for my $shown (@SHOWN) {
    my ($name, $path, $plan, $expected, $mean) = @{$shown};
    push @tests, sub { shows("/raw/$name/$path/0/default.jpg", $expected->(), $mean, 255, "$name: $path shows what it should") };
    push @tests, sub { is plan_of(fetch("/raw/$name/$path/0/default.jpg")), "200 $plan", "$name: $path is made by $plan" } if $plan;
}
push @tests, sub {
    my $response = fetch('/raw/own-table.tif/256,0,256,256/max/0/default.jpg');
    is raw_faults($response, stored_tile('own-table.tif', 0, 1, 0)), '', "a tile's own table comes before that of JPEGTables";
};
for my $tile ([ 1, 1 ], [ 2, 0 ]) {
    my ($column, $row) = @{$tile};
    push @tests, sub {
        my $response = fetch('/raw/restarts.tif/' . join(',', $column * 256, $row * 256, 256, 256) . '/max/0/default.jpg');
        is raw_faults($response, stored_tile('restarts.tif', 0, $column, $row)), '', "a tile with restart intervals, at $column,$row";
    };
}
for my $edge ([ 0, 3, 1, 233, 256 ], [ 0, 1, 2, 256, 189 ], [ 0, 3, 2, 233, 189 ], [ 1, 1, 1, 245, 95 ], [ 2, 0, 0, 251, 176 ]) {
    my ($level, $column, $row, $width, $height) = @{$edge};
    my $wanted = join(',', map { $_ * 2**$level } $column * 256, $row * 256, 256, 256) . "/$width,$height/0/default.jpg";
    push @tests, sub {
        my $tile = stored_tile('restarts.tif', $level, $column, $row);
        is cut_faults(fetch("/raw/restarts.tif/$wanted"), $tile, { width => $width, height => $height }), '',
            "a tile with restart intervals is cut: $wanted";
    };
}
for my $turn ('90', '180', '!0') {
    push @tests, sub { is turn_faults('restarts.tif', $turn, 'default'), '', "a tile with restart intervals, turned by $turn" };
}
push @tests, sub {
    my $stream = jpeg(fetch('/raw/exif-in-tiles.tif/256,0,256,256/max/0/default.jpg')->content);
    is $stream->{apps}{1}, undef, 'what a tile says of orientation is left out';
};
push @tests, sub {
    my $response = fetch('/raw/other-profile.tif/256,0,256,256/max/0/default.jpg');
    unlike $response->content, qr/ICC_PROFILE/, 'a profile of other colours is left out';
};
push @tests, sub {
    my $response = fetch('/raw/cmyk.tif/0,0,128,128/max/0/default.jpg');
    is plan_of($response) . ', ' . jpeg($response->content)->{components}, '200 render, 3', 'inks are not sent as they are';
};
for my $page (1, 2) {
    push @tests, sub {
        my $response = fetch("/raw-pages/book.tif;$page/256,0,256,256/max/0/default.jpg");
        is raw_faults($response, stored_tile('book.tif', $page - 1, 1, 0)), '', "a page has its own tiles: $page";
    };
}
push @tests, sub { is fetch('/raw/unreadable-planar.tif/256,0,256,256/max/0/default.jpg')->code, 500, 'a component is no picture' };

# -- limits

my $TILE = 'even.tif/256,256,256,256';

push @tests, sub { is plan_of(fetch("/raw-max-256/$TILE/max/0/default.jpg")), '200 raw', 'a tile as large as the limit is sent as it is' };
push @tests, sub { is fetch("/raw-max-255/$TILE/256,/0/default.jpg")->code, 400, 'a tile beyond the limit is refused' };
push @tests, sub {
    my $response = fetch("/raw-max-255/$TILE/max/0/default.jpg");
    is plan_of($response) . ', ' . IIIF::Client::dims_of($response), '200 render, 255x255', 'max of a tile beyond the limit is smaller';
};
push @tests, sub { is fetch("/raw-source-limit/$TILE/max/0/default.jpg")->code, 413, 'a source beyond IIIFMaxSourcePixels has no tiles' };

# -- tiles that are not stored: zeros, which are black

# whole, cut, of another level, and scaled
my %BLACK = ('256,0,256,256/max' => [ 256, 256 ], '256,512,256,256/max' => [ 256, 189 ], '0,0,512,512/256,' => [ 256, 256 ],
    '256,256,256,256/100,' => [ 100, 100 ]);

for my $name ('sparse.tif', 'sparse-rgb.tif', 'sparse-gray.tif') {
    my $samples = $name eq 'sparse-gray.tif' ? 'gray' : '1x1';
    my $photometric = $name eq 'sparse-rgb.tif' ? 'rgb' : '';

    for my $path (sort keys %BLACK) {
        for my $format ('jpg', 'png') {
            my ($width, $height) = @{ $BLACK{$path} };
            push @tests, sub {
                my $black = picture($width, $height, "\0\0\0" x ($width * $height));
                shows("/raw/$name/$path/0/default.$format", $black, 0, 0, "$name: $path.$format is black");
            };
        }
    }
    push @tests, sub {
        my $full = crop(level_picture(\@ODD, 1, $samples), 0, 0, 768, 701);
        my $missing = join '', map { $_ >= 256 && $_ < 512 ? "\0\0\0" : "\xff\xff\xff" } 0 .. 767;
        $full->{bytes} &= $missing x 701;
        shows("/raw/$name/0,0,768,701/max/0/default.png", $full, 7, 255, "$name: and black within a larger part");
    };
    push @tests, sub {
        my $response = fetch("/raw/$name/0,256,256,256/max/0/default.jpg");
        is raw_faults($response, stored_tile($name, 0, 0, 1, $photometric), $photometric), '', "$name: a tile beside it is sent as it is";
    };
}

# -- how it was made is in the log of the site

push @tests, sub {
    open my $fh, '<', 't/logs/plan_log' or die "no log: $!\n";
    my %seen = map { $_ => 1 } readline $fh;
    my %made = ('raw 200 /raw/even.tif/256,256,256,256/max/0/default.jpg' => 'a stored tile',
        'render 200 /raw/even.tif/full/512,512/0/default.jpg' => 'a picture',
        'info 200 /raw/even.tif/info.json' => 'a document', 'redirect 303 /raw/even.tif' => 'the base URI');
    is_deeply [ map { $made{$_} } grep { !$seen{"$_\n"} } sort keys %made ], [], 'iiif-plan tells the log how an answer was made';
};

fetch('/raw/even.tif');    # for the log
$_->() for @tests;
done_testing;
