# SPDX-License-Identifier: Apache-2.0
# Tiles made beforehand: what is exactly one of them is that file, sent by httpd; all else is
# rendered, and right. Whoever may not read the image does not see its tiles.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use Digest::MD5 qw(md5_hex);
use File::Find qw(find);
use IIIF::Client qw(ask get info dims_of h2 plan_of);
use IIIF::Coordinates qw(level_bytes);
use IIIF::Pixels qw(picture decode crop scale turn shade difference shows shows_picture);
use IIIF::PrivateHttpd qw(slurp spew);
use List::Util qw(min);
use POSIX qw(ceil);
use MIME::Base64 qw(encode_base64);

my $TILES = 'apxs-build/fixtures/stored/tiles';
my $READER = 'Basic ' . encode_base64('reader:open sesame', '');

# The coordinate pictures: width, height, cell of the chequerboard
my @GOLDEN = (4000, 3000, 128);
my @SMALL  = (481, 323, 64);
my @SQUARE = (640, 640, 128);
my @LARGE  = (4096, 4096, 256);
my @FLOOR  = (513, 300, 128);

# How far a sample may be off, on average and at worst: of a stored tile, of a rendered JPEG, of one
# that is made of coarse pixels, or of which little is left
my @STORED = (2, 60);
my @MADE   = (4, 100);
my @COARSE = (7, 120);

# A coordinate picture divided by FACTOR, sides rounded up unless they are given. The last is kept.
my ($kept_name, $kept) = ('');

sub level {
    my ($of, $factor, @sides) = @_;
    @sides = map { ceil($_ / $factor) } @{$of}[0, 1] unless @sides;
    my $name = "@{$of} $factor @sides";

    ($kept_name, $kept) = ($name, picture(@sides, level_bytes(@{$of}, $factor, @sides))) if $name ne $kept_name;
    return $kept;
}

# What a region of it looks like at SIDES, if those are FACTOR times smaller.
sub part {
    my ($of, $factor, $x, $y, @sides) = @_;
    return crop(level($of, $factor), $x / $factor, $y / $factor, @sides);
}

# The answer is this place of the picture: a stored tile is of its level, and a rendered image is
# scaled as it was asked for, which may be by another factor to the left and downwards.
sub apart {
    my ($response, $of, $factor, $x, $y, @sides) = @_;
    my $got = eval { decode($response) } or return (999, 999);
    my $want = part($of, $factor, $x, $y, @sides);

    if (($response->header('X-IIIF-Plan') // '') ne 'static') {
        my @region = map { min($factor * $sides[$_], $of->[$_] - ($x, $y)[$_]) } 0, 1;
        $want = scale(crop(level($of, 1), $x, $y, @region), @sides) if $factor > 1;
    }
    return "$got->{width}x$got->{height}" eq join('x', @sides) ? difference($got, $want) : (999, 999);
}

# One test
sub is_place {
    my ($target, $place, $limits, $claim) = @_;
    my @apart = apart(get($target), @{$place});
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return ok($apart[0] <= $limits->[0] && $apart[1] <= $limits->[1], $claim)
        || diag(sprintf 'mean %.2f, maximum %d; allowed: %d, %d; of %s', @apart, @{$limits}, $target);
}

# -- the golden vectors: a request, and the file that answers it --------------------------------

my @VECTORS = (
    # region and size                        Deep Zoom   Zoomify                    factor, x, y, size
    [ '0,0,256,256/256,256',                 '12/0_0',   'TileGroup0/4-0-0',        1,     0,    0, 256, 256 ],
    [ '3840,2816,160,184/160,184',           '12/15_11', 'TileGroup1/4-15-11',      1,  3840, 2816, 160, 184 ],
    [ '3584,2560,416,440/208,220',           '11/7_5',   'TileGroup0/3-7-5',        2,  3584, 2560, 208, 220 ],
    [ '3072,2048,928,952/232,238',           '10/3_2',   'TileGroup0/2-3-2',        4,  3072, 2048, 232, 238 ],
    [ '2048,2048,1952,952/244,119',          '9/1_1',    'TileGroup0/1-1-1',        8,  2048, 2048, 244, 119 ],
    [ 'full/250,188',                        '8/0_0',    'TileGroup0/0-0-0',       16,     0,    0, 250, 188 ],
    [ '0,0,4000,3000/250,188',               '8/0_0',    'TileGroup0/0-0-0',       16,     0,    0, 250, 188 ],
);

# The file in trees of the Image API, as vips spells it
sub level0 {
    my ($what, $version) = @_;
    my ($region, $width, $height) = $what =~ m{^(.*)/(\d+),(\d+)$};

    $region = '0,0,4000,3000' if $region eq 'full';
    return "$region/$width," . ($version == 3 ? $height : '') . '/0/default';
}

sub vector_file {
    my ($name, $row) = @_;
    my ($what, $deepzoom, $zoomify) = @{$row};
    my %files = (
        dz => "golden/dz_files/$deepzoom", zoomify => "golden/zoomify_zdata/$zoomify",
        'zoomify-plain' => "golden/zoomify-plain/$zoomify",
        iiif2 => 'golden/iiif2/' . level0($what, 2), iiif3 => 'golden/iiif3/' . level0($what, 3),
    );

    return "$TILES/$files{$name}.jpg";
}

for my $name (qw(dz zoomify zoomify-plain iiif2 iiif3)) {
    for my $row (@VECTORS) {
        my ($what, undef, undef, $factor, $x, $y, @sides) = @{$row};
        my $target = "/stored/golden%2F$name.jpg/$what/0/default.jpg";
        my $response = get($target);
        is plan_of($response), '200 static', "$target is a stored file";
        ok $response->content eq slurp(vector_file($name, $row)), '  byte by byte';
        is dims_of($response), join('x', @sides), '  of that size';
        next if $name ne 'dz' && $name ne 'zoomify';
        is_place($target, [ \@GOLDEN, $factor, $x, $y, @sides ], \@STORED, '  which shows that place');
    }
}

# Trees whose writers call the whole image "full", with its size in either version's spelling
for my $row ([ 'full/121,81/0/default.jpg', 'static' ], [ 'full/121,/0/default.jpg', 'static' ], [ '0,0,481,323/121,81/0/default.jpg', 'static' ],
    [ '128,128,128,128/128,/0/default.jpg', 'static' ], [ 'full/241,162/0/default.png', 'static' ], [ 'full/241,162/0/default.jpg', 'render' ],
    [ 'full/121,81/0/default.png', 'render' ]) {
    my ($what, $plan) = @{$row};
    is plan_of(get("/stored/tree.jpg/$what")), "200 $plan", "tree.jpg/$what: $plan";
}
ok get('/stored/tree.jpg/full/121,81/0/default.jpg')->content eq slurp("$TILES/tree.jpg/full/121,81/0/default.jpg"), 'the whole is its file';
ok get('/stored/tree.jpg/full/241,162/0/default.png')->content eq slurp("$TILES/tree.jpg/full/241,162/0/default.png"), '  of each format';
is get('/stored/tree.jpg/full/241,162/0/default.png')->header('Content-Type'), 'image/png', '  which it is called';

# Every spelling of the same request is the same file.
for my $spelling ('golden/dz.jpg/%s', 'golden%%2Fdz/%s', '2/golden%%2Fdz/%s', '3/golden%%2Fdz/%s') {
    for my $what ('0,0,512,512/256,256/0', '0,0,512,512/256,/0', '0,0,512,512/!256,256/0', '0,0,512,512/pct:50/0', '0,0,512,512/,256/0') {
        my $response = get(sprintf "/stored/$spelling/default.jpg", $what);
        is plan_of($response), '200 static', sprintf "/stored/$spelling is stored", $what;
        ok $response->content eq slurp("$TILES/golden/dz_files/11/0_0.jpg"), '  byte by byte';
    }
}

# What is as large, but not the same picture, is no tile.
for my $what ('0,0,512,512/256,256/90/default.jpg', '0,0,512,512/256,256/!0/default.jpg', '0,0,512,512/256,256/0/gray.jpg',
    '0,0,512,512/256,256/0/bitonal.jpg', '0,0,512,512/256,256/0/default.png', '0,0,512,512/256,256/1/default.jpg',
    '0,0,512,512/256,255/0/default.jpg', '0,0,512,511/256,256/0/default.jpg', '1,0,512,512/256,256/0/default.jpg',
    '0,0,512,512/255,255/0/default.jpg', '0,0,256,256/128,128/0/default.jpg', 'full/251,188/0/default.jpg') {
    is plan_of(get("/stored/golden%2Fdz/$what")), '200 render', "$what is no stored tile";
}
shows('/stored/golden%2Fdz/0,0,512,512/256,256/90/default.jpg', turn(part(\@GOLDEN, 2, 0, 0, 256, 256), 1), @MADE, 'a turned one is turned');
shows('/stored/golden%2Fdz/0,0,512,512/256,256/0/gray.jpg', shade(part(\@GOLDEN, 2, 0, 0, 256, 256)), @MADE, '  a gray one is gray');

# -- the grid that info.json announces is the one that is stored --------------------------------

# All tiles of info.json's grid: [ WHAT, FACTOR, X, Y, WIDTH, HEIGHT ]
sub grid {
    my ($info) = @_;
    my ($width, $height) = @{$info}{qw(width height)};
    my @tiles;

    for my $set (@{ $info->{tiles} }) {
        for my $factor (@{ $set->{scaleFactors} }) {
            my ($across, $down) = map { $factor * $_ } $set->{width}, $set->{height} // $set->{width};
            for (my $y = 0; $y < $height; $y += $down) {
                for (my $x = 0; $x < $width; $x += $across) {
                    my @region = ($x, $y, min($across, $width - $x), min($down, $height - $y));
                    my @sides = map { ceil($_ / $factor) } @region[2, 3];
                    push @tiles, [ join(',', @region) . '/' . join(',', @sides), $factor, $x, $y, @sides ];
                }
            }
        }
    }
    return @tiles;
}

# Contents of the files below a directory
sub contents {
    my ($directory) = @_;
    my %found;

    find({ no_chdir => 1, wanted => sub { $found{ md5_hex(slurp($_)) } = $_ if /\.jpe?g$/ } }, $directory);
    return %found;
}

my @GRIDS = (
    # identifier, its directory, side of a tile, picture, what of every tile
    [ 'golden%2Fdz',            'golden/dz_files',        256, 257, \@GOLDEN ],
    [ 'golden%2Fzoomify',       'golden/zoomify_zdata',   256, 257, \@GOLDEN ],
    [ 'golden%2Fzoomify-plain', 'golden/zoomify-plain',   256, 257, \@GOLDEN ],
    [ 'golden%2Fiiif2',         'golden/iiif2',           256, 257, \@GOLDEN ],
    [ 'golden%2Fiiif3',         'golden/iiif3',           256, 257, \@GOLDEN ],
    [ 'square.png',             'square_files',           256,  14, \@SQUARE ],
    [ 'a%20b.png',              'a b.png_files',          128,  17, \@SMALL ],
    [ 'a%20b',                  'a b.png_files',          128,  17, \@SMALL ],
    [ 'sub%2Fdir%2Fdeep.tif',   'sub/dir/deep_files',     128,  17, \@SMALL ],
    [ 'sub/dir/deep',           'sub/dir/deep_files',     128,  17, \@SMALL ],
    [ 'gr%C3%B6%C3%9Fe%2F%E6%97%A5%E6%9C%AC.jpg', "gr\xc3\xb6\xc3\x9fe/\xe6\x97\xa5\xe6\x9c\xac_files", 128, 17, \@SMALL ],
    [ 'gr%c3%b6%c3%9fe/%e6%97%a5%e6%9c%ac', "gr\xc3\xb6\xc3\x9fe/\xe6\x97\xa5\xe6\x9c\xac_files", 128, 17, \@SMALL ],
    [ 'dots.in.name.jpg',       'dots.in.name.jpg_files', 128,  17, \@SMALL ],
    [ 'dots.in.name',           'dots.in.name.jpg_files', 128,  17, \@SMALL ],
    [ 'semi;colon+%26%5B1%5D',  'semi;colon+&[1]_files',  128,  17, \@SMALL ],
    [ 'twins.png',              'twins.png_files',        128,  39, \@SQUARE ],
    [ 'both.png',               'both.png_files',         128,  39, \@SQUARE ],
    [ 'jpeg.jpg',               'jpeg_files',             128,  17, \@SMALL ],
    [ 'script.jpg',             'script_files',           128,  17, \@SMALL ],
    [ 'turned.jpg',             'turned_files',           128,  17, \@SMALL ],
);
for my $row (@GRIDS) {
    my ($identifier, $directory, $side, $count, $of) = @{$row};
    my $info = info("/stored/3/$identifier");
    my @tiles = grid($info);
    my %files = contents("$TILES/$directory");
    my (%seen, @wrong);

    for my $tile (@tiles) {
        my ($what, undef, undef, undef, @sides) = @{$tile};
        my $response = get("/stored/3/$identifier/$what/0/default.jpg");
        my $said = join ' ', plan_of($response), dims_of($response), $files{ md5_hex($response->content) } ? 'stored' : 'strange';
        push @wrong, "$what: $said" if $said ne "200 static $sides[0]x$sides[1] stored";
        $seen{ md5_hex($response->content) } = 1;
    }
    is join('x', @{$info}{qw(width height)}), "$of->[0]x$of->[1]", "$identifier: info.json has the image's size";
    is $info->{tiles}[0]{width} . ' ' . ($info->{tiles}[0]{height} // $side), "$side $side", '  and the tiles of the store';
    is @tiles, $count, "  which are $count";
    is_deeply \@wrong, [], '  each a file of the store, of the right size';
    cmp_ok scalar keys %seen, '>', 0.9 * $count, '  and not the same one again and again';
}
for my $row (grep { $_->[3] < 50 } @GRIDS) {
    my ($identifier, undef, undef, undef, $of) = @{$row};
    shows_all("/stored/$identifier", $of, @STORED, "$identifier: every tile shows its place");
}

# One test: each tile of the announced grid shows its place.
sub shows_all {
    my ($base, $of, $mean, $max, $claim) = @_;
    my @wrong;

    for my $tile (grid(info($base))) {
        my ($what, $factor, @place) = @{$tile};
        my @apart = apart(get("$base/$what/0/default.jpg"), $of, $factor, @place);
        push @wrong, "$what: @apart" if $apart[0] > $mean || $apart[1] > $max;
    }
    return is_deeply \@wrong, [], $claim;
}

# -- regions on the grid's corners that are no tiles; corners that fit tiles of two levels ------

my @TRAPS = (
    # identifier    what                               plan      factor, x, y, size
    [ 'square.png', '512,512,128,128/128,128',         'static', 1, 512, 512, 128, 128, '10/2_2' ],
    [ 'square.png', '512,512,128,128/64,64',           'static', 2, 512, 512, 64, 64, '9/1_1' ],
    [ 'square.png', '512,512,128,128/32,32',           'render', 4, 512, 512, 32, 32 ],
    [ 'square.png', 'full/160,160',                    'static', 4, 0, 0, 160, 160, '8/0_0' ],
    [ 'square.png', 'full/80,80',                      'static', 8, 0, 0, 80, 80, '7/0_0' ],
    [ 'square.png', 'full/max',                        'render', 1, 0, 0, 640, 640 ],
    [ 'square.png', 'full/320,320',                    'render', 2, 0, 0, 320, 320 ],
    [ 'large.jpg',  '0,0,300,300/300,300',             'render', 1, 0, 0, 300, 300 ],
    [ 'large.jpg',  '0,0,300,300/300,',                'render', 1, 0, 0, 300, 300 ],
    [ 'large.jpg',  '0,0,512,512/512,512',             'render', 1, 0, 0, 512, 512 ],
    [ 'large.jpg',  '0,0,512,512/512,',                'render', 1, 0, 0, 512, 512 ],
    [ 'large.jpg',  '256,256,1000,1000/1000,1000',     'render', 1, 256, 256, 1000, 1000 ],
    [ 'large.jpg',  '2048,2048,2048,2048/1024,1024',   'render', 2, 2048, 2048, 1024, 1024 ],
    [ 'large.jpg',  '2048,2048,2048,2048/1024,',       'render', 2, 2048, 2048, 1024, 1024 ],
    [ 'large.jpg',  '2048,2048,2048,2048/256,256',     'static', 8, 2048, 2048, 256, 256, '9/1_1' ],
    [ 'large.jpg',  'full/256,256',                    'static', 16, 0, 0, 256, 256, '8/0_0' ],
    [ 'large.jpg',  'full/128,',                       'static', 32, 0, 0, 128, 128, '7/0_0' ],
);
for my $row (@TRAPS) {
    my ($identifier, $what, $plan, $factor, $x, $y, $width, $height, $file) = @{$row};
    my $target = "/stored/$identifier/$what/0/default.jpg";
    my $response = get($target);
    my $of = $identifier eq 'square.png' ? \@SQUARE : \@LARGE;

    is plan_of($response), "200 $plan", "$identifier/$what: $plan";
    ok $response->content eq slurp("$TILES/" . $identifier =~ s/\.\w+$/_files/r . "/$file.jpg"), '  of the right level' if $file;
    is_place($target, [ $of, $factor, $x, $y, $width, $height ], \@MADE, '  with the right pixels');
}
is dims_of(get('/stored/square.png/full/200,/0/default.jpg')), '200x200', 'square.png/full/200, is of its own size';

# -- overlapping tiles: exactly what is stored is sent, the rest has no seam --------------------

my @OVERLAPS = (
    [ 'overlap-1', 'jpg', '0,0,127,127/127,127',       'static', 1, 0, 0, 127, 127, '9/0_0' ],
    [ 'overlap-1', 'jpg', '125,125,128,128/128,128',   'static', 1, 125, 125, 128, 128, '9/1_1' ],
    [ 'overlap-1', 'jpg', '0,0,126,126/126,126',       'render', 1, 0, 0, 126, 126 ],
    [ 'overlap-1', 'jpg', '126,126,126,126/126,126',   'render', 1, 126, 126, 126, 126 ],
    [ 'overlap-1', 'jpg', '126,126,128,128/128,128',   'render', 1, 126, 126, 128, 128 ],
    [ 'overlap-1', 'jpg', '0,0,254,254/127,127',       'static', 2, 0, 0, 127, 127, '8/0_0' ],
    [ 'overlap-1', 'jpg', '0,0,256,256/128,128',       'render', 2, 0, 0, 128, 128 ],
    [ 'overlap-1', 'jpg', 'full/121,81',               'static', 4, 0, 0, 121, 81, '7/0_0' ],
    [ 'overlap-2', 'png', '98,98,104,104/104,104',     'static', 1, 98, 98, 104, 104, '9/1_1' ],
    [ 'overlap-2', 'png', '298,298,104,25/104,25',     'static', 1, 298, 298, 104, 25, '9/3_3' ],
    [ 'overlap-2', 'png', '398,298,83,25/83,25',       'static', 1, 398, 298, 83, 25, '9/4_3' ],
    [ 'overlap-2', 'png', '400,300,81,23/81,23',       'render', 1, 400, 300, 81, 23 ],
    [ 'overlap-2', 'png', '100,100,100,100/100,100',   'render', 1, 100, 100, 100, 100 ],
    [ 'overlap-2', 'jpg', '98,98,104,104/104,104',     'render', 1, 98, 98, 104, 104 ],
);
for my $row (@OVERLAPS) {
    my ($name, $format, $what, $plan, $factor, $x, $y, $width, $height, $file) = @{$row};
    my $target = "/stored/$name.jpg/$what/0/default.$format";
    my $response = get($target);

    is plan_of($response), "200 $plan", "$name: $what as $format: $plan";
    ok $response->content eq slurp("$TILES/${name}_files/$file.$format"), '  byte by byte' if $file;
    is_place($target, [ \@SMALL, $factor, $x, $y, $width, $height ], \@MADE, '  and right');
}
shows_all("/stored/$_.jpg", \@SMALL, @MADE, "$_: every tile of the announced grid is right all the same") for qw(overlap-1 overlap-2);
is info("/stored/3/$_.jpg")->{tiles}[0]{width}, 512, "$_: info.json does not announce tiles that overlap"
    for qw(overlap-1 overlap-2);

# -- Zoomify that was halved rounding down ------------------------------------------------------

my @FLOORS = (
    # identifier         what                             factor, size of the level, place, size
    [ 'floor.png',      'full/64,37',                   8, [ 64, 37 ], 0, 0, 64, 37, 'TileGroup0/0-0-0' ],
    [ 'floor.png',      '0,0,64,64/64,64',                1, [ 513, 300 ], 0, 0, 64, 64, 'TileGroup0/3-0-0' ],
    [ 'floor.png',      '512,256,1,44/1,44',              1, [ 513, 300 ], 512, 256, 1, 44, 'TileGroup0/3-8-4' ],
    [ 'floor.png',      '128,128,128,128/64,64',          2, [ 256, 150 ], 64, 64, 64, 64, 'TileGroup0/2-1-1' ],
    [ 'floor.png',      '0,0,256,256/64,64',              4, [ 128, 75 ], 0, 0, 64, 64, 'TileGroup0/1-0-0' ],
    [ 'floor-alike.png', '384,256,97,67/97,67',           1, [ 481, 323 ], 384, 256, 97, 67, 'TileGroup0/2-3-2' ],
    [ 'floor-alike.png', '0,0,256,256/128,128',           2, [ 240, 161 ], 0, 0, 128, 128, 'TileGroup0/1-0-0' ],
);
my %FLOOR_STORE = ('floor.png' => 'floor_zdata', 'floor-alike.png' => 'floor-alike');
for my $row (@FLOORS) {
    my ($identifier, $what, $factor, $sides, $x, $y, $width, $height, $file) = @{$row};
    my $target = "/stored/$identifier/$what/0/default.jpg";
    my $response = get($target);
    my $of = $identifier eq 'floor.png' ? \@FLOOR : \@SMALL;

    is plan_of($response), '200 static', "$identifier: $what is stored";
    ok $response->content eq slurp("$TILES/$FLOOR_STORE{$identifier}/$file.jpg"), '  byte by byte';
    shows($target, crop(level($of, $factor, @{$sides}), $x, $y, $width, $height), @STORED, '  and right');
}
for my $row ([ 'floor.png/full/65,38', \@FLOOR, 8, 0, 0, 65, 38 ], [ 'floor-alike.png/full/121,81', \@SMALL, 4, 0, 0, 121, 81 ],
    [ 'floor-alike.png/256,256,225,67/113,34', \@SMALL, 2, 256, 256, 113, 34 ]) {
    my ($what, @place) = @{$row};
    my $target = "/stored/$what/0/default.jpg";
    is plan_of(get($target)), '200 render', "$what: rounded up, it is not stored";
    is_place($target, \@place, \@MADE, '  and right');
}
shows_all('/stored/floor.png', \@FLOOR, @COARSE, 'floor.png: every tile of the announced grid is right');
shows_all('/stored/floor-alike.png', \@SMALL, @MADE, 'floor-alike.png: every tile of the announced grid is right');

# -- pyramids: read before the original ---------------------------------------------------------

is plan_of(get('/stored/pyramid-tif.jpg/0,0,256,256/256,256/0/default.jpg')), '200 raw', 'a tile of a pyramid TIFF is sent raw';
is plan_of(get('/stored/pyramid-tif.jpg/1024,1024,1024,1024/256,256/0/default.jpg')), '200 raw', '  of every level';
is plan_of(get('/stored/pyramid-tif.jpg/1024,1024,1024,1024/255,255/0/default.jpg')), '200 render', '  and the rest is rendered';
for my $name (qw(pyramid-tif pyramid-jp2 pyramid-other)) {
    my ($info, $base) = (info("/stored/$name.jpg"), "/stored/$name.jpg");
    is join('x', @{$info}{qw(width height)}), '4000x3000', "$name: has the size of its image";
    is_place("$base/0,0,256,256/256,256/0/default.jpg", [ \@GOLDEN, 1, 0, 0, 256, 256 ], \@MADE, '  a tile');
    is_place("$base/3072,2048,928,952/232,238/0/default.png", [ \@GOLDEN, 4, 3072, 2048, 232, 238 ], \@MADE, '  a corner');
    is_place("$base/full/250,188/0/default.png", [ \@GOLDEN, 16, 0, 0, 250, 188 ], \@COARSE, '  the whole, small');
    shows("$base/full/500,375/180/default.png", turn(scale(level(\@GOLDEN, 1), 500, 375), 2), @COARSE, '  turned');
}
is info('/stored/pyramid-tif.jpg')->{tiles}[0]{width}, 256, 'info.json announces the tiles of the pyramid TIFF';
is info('/stored/pyramid-jp2.jpg')->{tiles}[0]{width}, 512, '  and of the JPEG 2000';

# -- what is not used: one warning a file, and the image is right -------------------------------

for my $name (qw(stale unturned)) {
    my $info = info("/stored/$name.jpg");
    is join('x', @{$info}{qw(width height)}), '481x323', "$name.jpg has its own size";
    is plan_of(get("/stored/$name.jpg/0,0,128,128/128,128/0/default.jpg")), '200 render', '  its tiles are not used';
    shows_all("/stored/$name.jpg", \@SMALL, @MADE, '  and what is announced is right');
    shows("/stored/$name.jpg/0,0,128,128/128,128/0/default.jpg", part(\@SMALL, 1, 0, 0, 128, 128), @MADE, '  what would be a tile, too');
}
# the one of two that does not fit is named, and the other used
my $log = slurp('t/logs/error_log');
for my $row ([ 'stale.dzi', 'older' ], [ 'unturned.dzi', '323x481' ], [ 'pyramid-other.tif', '481x323' ], [ 'both.dzi', '481x323' ]) {
    my ($file, $reason) = @{$row};
    my @lines = grep { m{\Qtiles/$file\E is not used} } split /\n/, $log;
    is @lines, 1, "$file is complained of once";
    like $lines[0] // '', qr/\[iiif_image:warn\].*IIIF0008: .*\Q$reason\E/, "  in a warning that says why: $reason";
}

# -- tiles that are not what they should be -----------------------------------------------------

my %HOLES = (
    '0,0,128,128/128,128'     => 'which is not there', '128,0,128,128/128,128' => 'which is empty',
    '256,0,128,128/128,128'   => 'of other dimensions', '0,128,128,128/128,128' => 'that is no image',
    '128,128,128,128/128,128' => 'cut in its header', '256,128,128,128/128,128' => 'of another format',
);
for my $what (sort keys %HOLES) {
    my ($x, $y) = $what =~ /^(\d+),(\d+)/;
    my $target = "/stored/holes.jpg/$what/0/default.jpg";
    is plan_of(get($target)), '200 render', "a tile $HOLES{$what} is rendered";
    is plan_of(get($target)), '200 render', '  again and again';
    shows($target, part(\@SMALL, 1, $x, $y, 128, 128), @MADE, '  and right');
}
is plan_of(get('/stored/holes.jpg/384,0,97,128/97,128/0/default.jpg')), '200 static', '  and the others are used';

# older than the image, though the descriptor is not; without its end
for my $row ([ 'left-over', '128,128,128,128' ], map { [ 'cut-short', $_ ] } '0,0,128,128', '128,0,128,128', '256,0,128,128', '0,128,128,128',
    '128,128,128,128') {
    my ($name, $region) = @{$row};
    my ($x, $y) = $region =~ /^(\d+),(\d+)/;
    my $target = "/stored/$name.jpg/$region/128,128/0/default.jpg";
    my $file = sprintf '%s/%s_files/9/%d_%d.jpg', $TILES, $name, $x / 128, $y / 128;
    is -e $file, 1, "$file is there";
    is plan_of(get($target)), '200 render', '  and not sent';
    is plan_of(get("/stored/${name}.jpg_files/9/" . $x / 128 . '_' . $y / 128 . '.jpg')), '200 render', '    by no name';
    is plan_of(get($target)), '200 render', '    again and again';
    shows($target, part(\@SMALL, 1, $x, $y, 128, 128), @MADE, '  but the image');
}
is plan_of(get("/stored/$_.jpg/256,128,128,128/128,128/0/default.jpg")), '200 static', "$_: the others are used" for qw(left-over cut-short);

# -- two images that differ in extension only -----------------------------------------------------

is plan_of(get("/stored/twins.jpg/$_/0/default.jpg")), '200 render', "twins.jpg/$_: tiles of the stem may be of its twin"
    for '0,0,128,128/128,128', 'full/121,81';
is info('/stored/3/twins.jpg')->{tiles}[0]{width}, 512, '  and are not announced';
shows_all('/stored/twins.jpg', \@SMALL, @MADE, '  and all is right');

# -- HTTP: httpd's own file handling ------------------------------------------------------------

my $TILE = '/stored/golden%2Fdz.jpg/3584,2560,416,440/208,220/0/default.jpg';
my $FILE = "$TILES/golden/dz_files/11/7_5.jpg";
{
    my $first = get($TILE);
    my ($etag, $modified) = map { $first->header($_) // '' } qw(ETag Last-Modified);
    is $first->header('Content-Type'), 'image/jpeg', 'a stored tile has its type';
    is $first->header('Content-Length'), -s $FILE, '  its length';
    is $first->header('Accept-Ranges'), 'bytes', '  can be had in parts';
    like $first->header('Link'), qr{^<http://[^/]+/stored/golden%2Fdz\.jpg/3584,2560,416,440/208,220/0/default\.jpg>;rel="canonical", <http://iiif\.io/api/image/3/level2\.json>;rel="profile"$},
        '  and links';
    like get('/stored/2/golden%2Fdz.jpg/3584,2560,416,440/208,220/0/default.jpg')->header('Link'),
        qr{^<http://[^/]+/stored/2/golden%2Fdz\.jpg/3584,2560,416,440/208,/0/default\.jpg>;rel="canonical", <http://iiif\.io/api/image/2/level2\.json>;rel="profile"$},
        '  in the spelling of version 2';
    is $first->header('Vary'), 'Accept', '  and varies where no version is named';
    is get($TILE =~ s{/golden}{/3/golden}r)->header('Vary'), undef, '  and not where one is';
    like $etag, qr/^"[^"]+"$/, '  a strong ETag';
    is +(stat $FILE)[9], http_time($modified), '  the date of the file';
    like $first->header('Cache-Control'), qr/max-age=86400/, '  and may be kept for a day';
    is $first->header('Access-Control-Allow-Origin'), '*', '  by every site';
    for my $row ([ 304, 'If-None-Match' => $etag ], [ 304, 'If-None-Match' => '*' ], [ 304, 'If-Modified-Since' => $modified ],
        [ 200, 'If-None-Match' => '"other"' ], [ 412, 'If-Match' => '"other"' ], [ 200, 'If-Match' => $etag ],
        [ 412, 'If-Unmodified-Since' => 'Thu, 01 Jan 1998 00:00:00 GMT' ],
        [ 206, Range => 'bytes=10-19' ], [ 416, Range => 'bytes=9999999-' ], [ 206, Range => 'bytes=0-0', 'If-Range' => $etag ],
        [ 200, Range => 'bytes=0-0', 'If-Range' => '"other"' ]) {
        my ($status, @headers) = @{$row};
        my $response = get($TILE, @headers);
        is $response->code, $status, "  @headers: $status";
        is $response->content, '', '    without a body' if $status == 304;
        is $response->header('ETag'), $etag, '    with the ETag' if $status == 304;
        is $response->header('Access-Control-Allow-Origin'), '*', '    for every site';
    }
    is get($TILE, Range => 'bytes=10-19')->content, substr(slurp($FILE), 10, 10), '  a part is the part';
    my $head = ask('HEAD', $TILE);
    is $head->code . ' ' . $head->content, '200 ', '  HEAD has no body';
    is $head->header($_) // 'none', $first->header($_) // 'none', "  and GET's $_" for qw(Content-Type Content-Length ETag Last-Modified Link);
    is ask('POST', $TILE, 'x=y')->code, 405, '  POST is refused';
    is ask('OPTIONS', $TILE)->code, 204, '  a preflight is answered';
    my $over_h2 = h2($TILE);
    is $over_h2->code, 200, '  and over HTTP/2';
    ok $over_h2->content eq slurp($FILE), '    it is the file';
}
{
    my $response = get('/stored/mime%2Fpicture.gz.en.html.jpg/0,0,128,128/128,128/0/default.jpg');
    is plan_of($response), '200 static', 'the tile of an image with an odd name is sent';
    is $response->header('Content-Type'), 'image/jpeg', '  as what it is';
    is $response->header($_), undef, "  without $_" for qw(Content-Encoding Content-Language);
    ok $response->content eq slurp("$TILES/mime/picture.gz.en.html_files/9/0_0.jpg"), '  byte by byte';
}
isnt get($TILE)->header('ETag'), get('/stored/golden%2Fdz.jpg/full/250,188/0/default.jpg')->header('ETag'), 'another file has another ETag';
is $_->[1], "200 $_->[0]", "a request's plan is $_->[0]" for [ descriptor => plan_of(get('/stored/golden%2Fdz.jpg.dzi')) ],
    [ info => plan_of(get('/stored/golden%2Fdz.jpg/info.json')) ];
is plan_of(get('/stored/golden%2Fdz.jpg')), '303 redirect', "  and of a base URI redirect";
like slurp('t/logs/plan_log'), qr{^static /stored/golden%2Fdz\.jpg/3584,2560,416,440/208,220/0/default\.jpg$}m, 'a CustomLog can say so';

sub http_time {
    my ($text) = @_;
    require HTTP::Date;
    return HTTP::Date::str2time($text);
}

# -- who may not read the image sees nothing of it ----------------------------------------------

sub tells {
    my ($response) = @_;
    return join ' ', $response->code, grep { defined $response->header($_) } 'ETag', 'Last-Modified', 'Link', 'X-IIIF-Plan', 'Accept-Ranges';
}

my @ASKED = (
    '/0,0,128,128/128,128/0/default.jpg', '/full/121,81/0/default.jpg', '/256,256,225,67/113,34/0/default.jpg', '/info.json',
    '/full/max/0/default.jpg', '.dzi', '_files/9/0_0.jpg', '_files/0/0_0.jpg', '_files/99/0_0.jpg', '_zdata/ImageProperties.xml',
    '_zdata/TileGroup0/2-0-0.jpg', '_zdata/TileGroup9/9-9-9.jpg', '',
);
for my $row ([ protected => 403 ], [ private => 401 ], [ htaccess => 403 ]) {
    my ($place, $status) = @{$row};
    my @told;

    for my $name (qw(dz zoomify zoomify-plain iiif2 iiif3 pyramid)) {
        for my $spelling ("access%2F$place%2F$name.jpg", "access/$place/$name", "access%2f%70" . substr($place, 1) . "%2F$name", "2/access//$place/./$name.jpg") {
            next if $spelling =~ /%70/ && $place !~ /^p/;
            for my $asked (@ASKED) {
                my $response = get("/stored/$spelling$asked");
                push @told, "$spelling$asked: " . tells($response) if tells($response) ne $status;
            }
        }
        my $tile = "/stored/access%2F$place%2F$name.jpg$ASKED[0]";
        for my $conditions ([ 'If-None-Match' => '*' ], [ Range => 'bytes=0-9' ], [ 'If-Modified-Since' => 'Fri, 01 Jan 2038 00:00:00 GMT' ]) {
            push @told, "$tile with @{$conditions}" if tells(get($tile, @{$conditions})) ne $status;
        }
        push @told, "HEAD $tile" if tells(ask('HEAD', $tile)) ne $status;
        push @told, "$tile over HTTP/2" if h2($tile)->code != $status;
    }
    is_deeply \@told, [], "$place: $status for everything, in every layout and spelling";
}
for my $name (qw(dz zoomify zoomify-plain iiif2 iiif3)) {
    my $response = get("/stored/access%2Fprivate%2F$name.jpg$ASKED[0]", Authorization => $READER);
    is plan_of($response), '200 static', "a reader gets the stored tile of $name";
    like $response->header('Cache-Control'), qr/private/, '  for himself';
}
is plan_of(get("/stored/access%2Fprivate%2Fpyramid.jpg$ASKED[0]", Authorization => $READER)), '200 raw', '  and of pyramid';
is tells(get("/stored/access%2Ffiles%2F$_$ASKED[0]")), 403, "<Files> closes the tiles of $_" for qw(closed.secret.jpg closed.secret);
is tells(get('/stored/access%2Ffiles%2Fclosed.secret_files/9/0_0.jpg')), 403, '  and its Deep Zoom';
is plan_of(get("/stored/access%2Ffiles%2Fopen.jpg$ASKED[0]")), '200 static', '  and not those beside it';
# of one stem, or one the stem of the other: what is closed is not shown under the open one's name
for my $name (qw(twin.secret.png whole.secret.jpg.png)) {
    my $base = "/stored/access%2Ffiles%2F$name";
    is plan_of(get("$base$_")), '200 render', "$name$_: not by tiles that may be another image's"
        for $ASKED[0], $ASKED[1], '_files/9/0_0.jpg', '_zdata/TileGroup0/0-0-0.jpg';
    is info("/stored/3/access%2Ffiles%2F$name")->{tiles}[0]{width}, 512, '  nor are they announced';
    is tells(get("/stored/access%2Ffiles%2F" . ($name =~ s/\.\w+$//r =~ s/secret$/secret.jpg/r) . $ASKED[0])), 403, '  that one is closed';
}
for my $asked ($ASKED[0], '_files/9/0_0.jpg') {
    my $response = get("/stored/access%2Ffiles%2Fown.secret.png$asked");
    is plan_of($response), '200 static', "own.secret.png$asked: by tiles that have its whole name";
    ok $response->content eq slurp("$TILES/access/files/own.secret.png_files/9/0_0.jpg"), '  which are those';
}
is get('/tiles/golden/dz_files/11/7_5.jpg')->code, 403, "the store's own rules are for those who go there";
for my $way ('..%2Ftiles%2Fgolden%2Fdz', '../tiles/pyramid-tif.tif', '..%2Ftiles%2Fpyramid-tif', 'golden%2F..%2F..%2Ftiles%2Fpyramid-tif') {
    is get("/stored/$way$_")->code =~ /^40[0134]$/ ? 'no' : 'yes', 'no', "$way$_ does not lead into the store" for '/info.json', '.dzi', '_files/11/0_0.jpg';
}

# -- switched off in a directory ----------------------------------------------------------------

is plan_of(get('/stored/none%2Fsmall.jpg/0,0,128,128/128,128/0/default.jpg')), '200 render', 'IIIFTileStore none is obeyed';
is info('/stored/3/none%2Fsmall.jpg')->{tiles}[0]{width}, 512, '  by info.json too';

# -- limits: what is larger is neither announced nor sent ---------------------------------------

is plan_of(get('/stored-limited/limited.jpg/0,0,128,128/128,128/0/default.jpg')), '200 static', 'a tile within the limit is sent';
is info('/stored-limited/3/limited.jpg')->{tiles}[0]{width}, 128, '  and announced';
is info('/stored-limited/3/limited.jpg')->{maxWidth}, 200, '  with the limit';
is get('/stored-limited/limited.jpg/0,0,256,256/256,256/0/default.jpg')->code, 400, '  and what is larger is not';
is get('/stored-small-limit/limited.jpg/0,0,128,128/128,128/0/default.jpg')->code, 400, 'a stored tile beyond the limit is not sent';
cmp_ok info('/stored-small-limit/3/limited.jpg')->{tiles}[0]{width}, '<=', 100, '  and not announced';
is get('/stored-small-limit/limited.jpg_files/9/1_1.jpg')->code, get('/stored-small-limit/limited.jpg_files/9/4_3.jpg')->code,
    '  and Deep Zoom has smaller tiles';
unlike get('/stored-small-limit/limited.jpg.dzi')->content, qr/TileSize="128"/, '  and says so';

# -- an image that is turned by its EXIF orientation --------------------------------------------

# Upright tiles have the upper left corner of the picture at 0,0, others that of the file. Neither is told by their size.
{
    my $httpd = IIIF::PrivateHttpd->new;
    my $images = 'apxs-build/fixtures/images';
    my $directory = $httpd->directory;
    for my $row ([ upright => 'autorot' ], [ raw => 'copy' ]) {
        my ($kind, $how) = @{$row};
        mkdir "$directory/$_" or die "$_: $!\n" for $kind, "$kind-tiles";
        spew("$directory/$kind/a.jpg", slurp("$images/oriented-3.jpg"));
        utime((time - 100) x 2, "$directory/$kind/a.jpg") or die "a.jpg: $!\n";
        system('vips', $how, "$directory/$kind/a.jpg", "$directory/$kind.jpg[Q=95]") == 0
            && system('vips', 'dzsave', "$directory/$kind.jpg", "$directory/$kind-tiles/a.jpg", '--overlap', 0, '--tile-size', 256) == 0
            or die "vips failed\n";
    }
    $httpd->configure("Header always set X-IIIF-Plan \"expr=%{note:iiif-plan}\"\n" . join '', map { <<"CONF" } qw(upright raw));
IIIFImageRoot /$_ $directory/$_
<Directory $directory/$_>
Require all granted
</Directory>
<Location /$_>
IIIFTileStore $directory/$_-tiles
</Location>
CONF
    $httpd->start;
    local $IIIF::Client::PORT = $httpd->port;
    my $tile = 'a.jpg/0,0,256,256/256,256/0/default.jpg';
    my $want = decode(get('/upright/a.jpg/0,0,256,256/256,256/0/default.png'));
    for my $row ([ upright => '200 static' ], [ raw => '200 render' ]) {
        my ($kind, $way) = @{$row};
        my $response = get("/$kind/$tile");
        is plan_of($response), $way, "tiles that are $kind, of an image with orientation 3";
        my ($mean) = difference(decode($response), $want);
        cmp_ok $mean, '<', 12, '  show it upright';
    }
    get("/raw/$tile") for 1 .. 5;
    is scalar(() = $httpd->error_log =~ /IIIF0008: \S+a\.jpg\.dzi is not used for .*: it was not turned as the image is/g), 1, '  what is not used is told once';
    $httpd->stop;
}

done_testing;
