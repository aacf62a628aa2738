# SPDX-License-Identifier: Apache-2.0
# Every image as Deep Zoom and as Zoomify: what the descriptors say, each tile at its place and of
# its size, by the cheapest way, under the names that images have; and real files of that name win.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Path qw(make_path remove_tree);
use IIIF::Client qw(ask get info dims_of h2 plan_of);
use IIIF::Pixels qw(coordinates decode crop scale difference shows);
use IIIF::PrivateHttpd qw(slurp);
use List::Util qw(min);
use POSIX qw(ceil);

my $TILES  = 'apxs-build/fixtures/stored/tiles';
my $IMAGES = 'apxs-build/fixtures/stored/images';
my $HTDOCS = Apache::Test::vars('documentroot');

# The sides of the levels, the full image last: halved rounding up until $is_last->(WIDTH, HEIGHT)
sub levels {
    my ($width, $height, $is_last) = @_;
    my @levels = ([ $width, $height ]);

    unshift @levels, [ map { ceil($_ / 2) } @{ $levels[0] } ] until $is_last->(@{ $levels[0] });
    return @levels;
}

sub deepzoom_levels {
    my ($width, $height) = @_;
    return levels($width, $height, sub { $_[0] == 1 && $_[1] == 1 });
}

sub zoomify_levels {
    my ($width, $height, $tile) = @_;
    return levels($width, $height, sub { $_[0] <= $tile && $_[1] <= $tile });
}

# The tiles of these levels: { level, column, row, x, y, width, height, of, index }
sub tiles {
    my ($tile, @levels) = @_;
    my @tiles;

    for my $level (0 .. $#levels) {
        my ($width, $height) = @{ $levels[$level] };
        for my $row (0 .. ceil($height / $tile) - 1) {
            for my $column (0 .. ceil($width / $tile) - 1) {
                my ($x, $y) = ($column * $tile, $row * $tile);
                push @tiles, {
                    level => $level, column => $column, row => $row, x => $x, y => $y, of => $levels[$level],
                    width => min($tile, $width - $x), height => min($tile, $height - $y), index => scalar @tiles,
                };
            }
        }
    }
    return @tiles;
}

sub deepzoom_name {
    my ($t, $format) = @_;
    return "_files/$t->{level}/$t->{column}_$t->{row}." . ($format // 'jpg');
}

sub zoomify_name {
    my ($t) = @_;
    return '_zdata/TileGroup' . int($t->{index} / 256) . "/$t->{level}-$t->{column}-$t->{row}.jpg";
}

# Attributes of an XML document, whatever the element
sub attributes {
    my ($response) = @_;
    my %attributes = $response->content =~ /\b(\w+)\s*=\s*"([^"]*)"/g;
    return \%attributes;
}

# -- descriptors, and every tile of small images ------------------------------------------------

my @IMAGES = (
    # identifier, size, side of a tile
    [ 'small.jpg',         480,  320, 128 ],
    [ 'small.png',         480,  320, 128 ],
    [ 'tiles.tif',         480,  320, 128 ],
    [ 'gray.png',          480,  320, 128 ],
    [ 'gray.jpg',          480,  320, 128 ],
    [ 'rgba.png',          480,  320, 128 ],
    [ 'gray-alpha.png',    480,  320, 128 ],
    [ 'palette-alpha.png', 480,  320, 128 ],
    [ '1-bit.png',         480,  320, 128 ],
    [ 'cmyk.jpg',          256,  256, 128 ],
    [ '16-bit.tif',        480,  320, 128 ],
    [ 'oriented-3.jpg',    480,  320, 128 ],
    [ 'oriented-6.jpg',    480,  320, 128 ],
    [ 'oriented-6.tif',    480,  320, 128 ],
    [ 'oriented-7.jpg',    480,  320, 128 ],
    [ 'odd.png',           255,  257, 128 ],
    [ 'dot.png',             1,    1, 128 ],
    [ 'thin.png',         1023,    1, 128 ],
    [ 'tall.png',            1, 1023, 128 ],
    [ 'lossy.webp',        480,  320, 128 ],
);
for my $row (@IMAGES) {
    my ($identifier, $width, $height, $side) = @{$row};
    my $base = "/zoom/$identifier";
    my @levels = deepzoom_levels($width, $height);
    my @zoomify = tiles($side, zoomify_levels($width, $height, $side));
    my ($dzi, $properties) = map { get("$base$_") } '.dzi', '_zdata/ImageProperties.xml';

    is plan_of($_), '200 descriptor', "$identifier: has a descriptor" for $dzi, $properties;
    is_deeply attributes($dzi), {
        version => '1.0', encoding => 'UTF-8', xmlns => 'http://schemas.microsoft.com/deepzoom/2008', Format => 'jpg', Overlap => 0,
        TileSize => $side, Width => $width, Height => $height,
    }, '  of Deep Zoom, which says so';
    is_deeply attributes($properties),
        { WIDTH => $width, HEIGHT => $height, NUMTILES => scalar @zoomify, NUMIMAGES => 1, VERSION => '1.8', TILESIZE => $side },
        '  and of Zoomify';
    is_deeply [ wrong_tiles($base, map { [ $_, deepzoom_name($_) ] } tiles($side, @levels)) ], [], '  every tile of Deep Zoom is right';
    is_deeply [ wrong_tiles($base, map { [ $_, zoomify_name($_) ] } @zoomify) ], [], '  and of Zoomify';
}

# Each tile against the same place of the whole image at the size of its level. A last tile of one
# pixel may stand for less of the image than the pixel of the whole: it is made of its own region.
my %whole;

sub wrong_tiles {
    my ($base, @tiles) = @_;
    my @wrong;

    for my $row (@tiles) {
        my ($t, $name) = @{$row};
        my $response = get($base . $name);
        my $got = eval { decode($response) };
        my $is = $got ? "$got->{width}x$got->{height}" : plan_of($response);
        my @apart = $is eq "$t->{width}x$t->{height}" ? difference($got, expected($base, $t)) : (999, 999);

        push @wrong, "$name: $is, apart by @apart" if $apart[0] > 15;
    }
    return @wrong;
}

sub whole {
    my ($base, $size) = @_;
    return $whole{"$base $size"} //= decode(get("$base/full/$size/0/default.jpg"));
}

sub expected {
    my ($base, $t) = @_;
    my $is_last = $t->{x} && $t->{width} == 1 || $t->{y} && $t->{height} == 1;
    my $all = whole($base, $is_last ? 'max' : join ',', @{ $t->{of} });

    return crop($all, @{$t}{qw(x y width height)}) unless $is_last;
    return scale(crop($all, region($t, @{$all}{qw(width height)})), $t->{width}, $t->{height});
}

# What a tile shows, in pixels of the full image
sub region {
    my ($t, $width, $height) = @_;
    my $factor = 1;

    $factor *= 2 while ceil($width / $factor) > $t->{of}[0] || ceil($height / $factor) > $t->{of}[1];
    my ($x, $y) = map { $factor * $t->{$_} } qw(x y);
    return ($x, $y, min($factor * $t->{width}, $width - $x), min($factor * $t->{height}, $height - $y));
}

# The whole is right by other tests; here, by arithmetic, that the place is not another tile's.
my $SMALL = coordinates(480, 320, 8);
for my $row ([ 3, 2, 384, 256, 96, 64 ], [ 0, 0, 0, 0, 128, 128 ], [ 2, 1, 256, 128, 128, 128 ]) {
    my ($column, $line, @place) = @{$row};
    for my $identifier (qw(small.png oriented-6.tif)) {
        shows("/zoom/${identifier}_files/9/${column}_$line.png", crop($SMALL, @place), 0, 0, "$identifier: tile ${column}_$line as PNG is exact");
    }
    shows("/zoom/small.jpg_zdata/TileGroup0/2-$column-$line.jpg", crop($SMALL, @place), 8, 90, "small.jpg: and of Zoomify");
}
is dims_of(get('/zoom/small.jpg_files/0/0_0.jpg')), '1x1', 'level 0 is one pixel';
is get('/zoom/small.jpg_files/9/0_0.jpeg')->header('Content-Type'), 'image/jpeg', '.jpeg is JPEG, too';
is get("/zoom/small.jpg_files/9/0_0.$_->[0]")->header('Content-Type'), $_->[1], "a tile as $_->[0]"
    for [ jpg => 'image/jpeg' ], [ png => 'image/png' ], [ webp => 'image/webp' ];

# -- the golden vectors of an image of many tiles, sent raw -------------------------------------

my @MAP = (
    # Deep Zoom   Zoomify                Image API
    [ '12/0_0',   'TileGroup0/4-0-0',    '0,0,256,256/256,256' ],
    [ '12/7_5',   'TileGroup0/4-7-5',    '1792,1280,256,256/256,256' ],
    [ '12/14_10', 'TileGroup0/4-14-10',  '3584,2560,256,256/256,256' ],
);
is get('/zoom/map.tif.dzi')->content =~ /TileSize="(\d+)"/ && $1, 256, 'map.tif: its own tiles are announced';
is attributes(get('/zoom/map.tif_zdata/ImageProperties.xml'))->{NUMTILES}, 257, '  and counted';
for my $row (@MAP) {
    my ($deepzoom, $zoomify, $what) = @{$row};
    my @answers = map { get("/zoom/map.tif$_") } "_files/$deepzoom.jpg", "_zdata/$zoomify.jpg", "/$what/0/default.jpg";
    is_deeply [ map { plan_of($_) } @answers ], [ ('200 raw') x 3 ], "map.tif: $deepzoom is sent raw, as its other names";
    is dims_of($answers[0]), '256x256', '  it is a tile';
    same(@answers);
}
for my $row ([ '12/15_11', 'TileGroup1/4-15-11', '3840,2816,161,187/161,187' ], [ '8/0_0', 'TileGroup0/0-0-0', 'full/251,188' ],
    [ '11/7_5', 'TileGroup0/3-7-5', '3584,2560,417,443/209,222' ]) {
    my ($deepzoom, $zoomify, $what) = @{$row};
    my @answers = map { get("/zoom/map.tif$_") } "_files/$deepzoom.jpg", "_zdata/$zoomify.jpg", "/$what/0/default.jpg";
    is_deeply [ map { $_->code } @answers ], [ (200) x 3 ], "map.tif: $deepzoom at the edge has other names, too";
    same(@answers);
}

# The same pixels have the same validators, and are the same bytes.
sub same {
    my ($first, @others) = @_;

    for my $other (@others) {
        is $other->header('ETag'), $first->header('ETag'), '  with the same ETag';
        ok $other->content eq $first->content, '    and the same bytes';
        is canonical($other), canonical($first), '    and the same canonical URI';
    }
    return;
}

sub canonical {
    my ($response) = @_;
    return ($response->header('Link') // '') =~ /^<([^>]*)>;rel="canonical"/ ? $1 : 'none';
}

for my $row ([ 'small.jpg', '_files/9/1_1.jpg', '_zdata/TileGroup0/2-1-1.jpg', '/128,128,128,128/128,128/0/default.jpg' ],
    [ 'rgba.png', '_files/8/1_1.jpg', '_zdata/TileGroup0/1-1-1.jpg', '/256,256,224,64/112,32/0/default.jpg' ],
    [ 'oriented-6.jpg', '_files/7/0_0.jpg', '_zdata/TileGroup0/0-0-0.jpg', '/full/120,80/0/default.jpg' ]) {
    my ($identifier, @names) = @{$row};
    my @answers = map { get("/zoom/$identifier$_") } @names;
    is_deeply [ map { plan_of($_) } @answers ], [ ('200 render') x 3 ], "$identifier: $names[0] is rendered, as its other names";
    same(@answers);
    my ($path) = canonical($answers[0]) =~ m{^http://[^/]+(/.*)$};
    is get($path // '/none')->header('ETag'), $answers[0]->header('ETag'), '  the canonical URI leads to the same';
}
isnt get('/zoom/small.jpg_files/9/0_0.jpg')->header('ETag'), get('/zoom/small.jpg_files/9/1_0.jpg')->header('ETag'),
    'other pixels have other validators';

# -- there is no such tile ----------------------------------------------------------------------

for my $name (qw(
    _files/10/0_0.jpg _files/9/4_0.jpg _files/9/0_3.jpg _files/0/1_0.jpg _files/8/2_0.jpg _files/4294967295/0_0.jpg
    _files/4294967296/0_0.jpg _files/99999999999999999999/0_0.jpg _files/9/4294967295_4294967295.jpg _files/32/0_0.jpg _files/64/0_0.jpg
    _files/-1/0_0.jpg _files/9/-1_0.jpg _files/9/0_-1.jpg _files/09/0_0.jpg _files/9/00_0.jpg _files/9/0_0_0.jpg _files/9/0_0 _files/9/0_0.
    _files/9/0_0.xyz _files/9/0_0.jpg.exe _files/9/0-0.jpg _files/9/a_b.jpg _files/9 _files/ _files _files/9/ _files/+9/0_0.jpg
    _files/9.0/0_0.jpg _files/0x9/0_0.jpg
    _zdata/TileGroup1/2-0-0.jpg _zdata/TileGroup0/3-0-0.jpg _zdata/TileGroup0/2-4-0.jpg _zdata/TileGroup0/2-0-3.jpg
    _zdata/TileGroup18446744073709551615/2-0-0.jpg _zdata/TileGroup18446744073709551616/2-0-0.jpg
    _zdata/TileGroup0/4294967295-0-0.jpg _zdata/TileGroup0/2-4294967295-4294967295.jpg _zdata/TileGroup00/2-0-0.jpg _zdata/TileGroup/2-0-0.jpg
    _zdata/TileGroup-1/2-0-0.jpg _zdata/TileGroup0/2-0.jpg _zdata/TileGroup0/2_0_0.jpg _zdata/ _zdata _zdata/TileGroup0 _zdata/imageproperties.xml
    .dz .dzi.dzi .DZI .xml _FILES/9/0_0.jpg
    )) {
    is get("/zoom/small.jpg$name")->code, 404, "small.jpg$name is not found";
}
is get("/zoom/map.tif_zdata/$_.jpg")->code, 404, "map.tif_zdata/$_ is in the other group" for qw(TileGroup1/4-14-11 TileGroup0/4-15-11);

# -- names --------------------------------------------------------------------------------------

my @NAMES = (
    [ 'plain.png', 'plain.png' ], [ 'plain', 'plain.png' ], [ 'a%20b.png', 'a b.png' ], [ 'a%20b', 'a b.png' ],
    [ 'gr%C3%B6%C3%9Fe.jpg', 'größe' ], [ 'gr%c3%b6%c3%9fe', 'größe' ], [ '%E6%97%A5%E6%9C%AC.png', 'UTF-8' ],
    [ 'sub%2Fdir%2Ffile.png', 'slashes' ], [ 'sub/dir/file.png', 'slashes' ], [ 'sub/dir%2Ffile', 'slashes' ], [ 'sub%2f2%2ffile', 'slashes' ],
    [ '2', 'named as a version' ], [ '3', 'named as a version' ], [ 'full', 'a keyword' ], [ 'info.json', 'a document' ], [ 'lit%2541.png', 'encoded' ],
    [ 'ark:%252F12148%252Fbtv1b.png', 'an ARK' ], [ 'semi;colon.png', 'semicolon' ], [ 'hash%23tag.png', 'hash' ], [ 'q%3Fmark.png', 'question' ],
    [ 'br%5B1%5D@.png', 'brackets' ], [ 'by-content', 'no extension' ], [ 'UPPER.JPG', 'upper case' ], [ 'two..dots.png', 'dots' ],
    [ 'quote%22%3C&%3E.png', 'markup' ],
);
for my $row (@NAMES) {
    my ($spelling, $what) = @{$row};
    for my $version ('', '2/', '3/') {
        my $base = "/zoom-names/$version$spelling";
        my ($width, $height) = @{ info($base) }{qw(width height)};
        my ($dzi, $properties) = map { attributes(get("$base$_")) } '.dzi', '_zdata/ImageProperties.xml';
        my $last = (() = deepzoom_levels($width, $height)) - 1;

        is join('x', $dzi->{Width} // 0, $dzi->{Height} // 0), "${width}x$height", "$version$spelling.dzi ($what)";
        is join('x', $properties->{WIDTH} // 0, $properties->{HEIGHT} // 0), "${width}x$height", '  _zdata/ImageProperties.xml';
        is dims_of(get("${base}_files/$last/0_0.jpg")), "${width}x$height", "  _files/$last/0_0.jpg";
        is dims_of(get("${base}_zdata/TileGroup0/0-0-0.jpg")), "${width}x$height", '  _zdata/TileGroup0/0-0-0.jpg';
    }
}
is get('/zoom-two/2/small.jpg.dzi')->code, 200, 'a version that is served has Deep Zoom';
is get("/zoom-two/3/small.jpg$_")->code, 404, "  and one that is not has none: $_" for '.dzi', '_files/9/0_0.jpg', '_zdata/ImageProperties.xml';

# -- HTTP ---------------------------------------------------------------------------------------

my @KINDS = (
    # name, type
    [ '.dzi',                         'application/xml' ],
    [ '_zdata/ImageProperties.xml',   'application/xml' ],
    [ '_files/9/1_1.jpg',             'image/jpeg' ],
    [ '_zdata/TileGroup0/2-1-1.jpg',  'image/jpeg' ],
);
for my $row (@KINDS) {
    my ($name, $type) = @{$row};
    my $path = "/zoom/small.jpg$name";
    my $first = get($path);
    my ($etag, $modified) = map { $first->header($_) // '' } qw(ETag Last-Modified);

    is $first->header('Content-Type') =~ s/;.*//r, $type, "$path is $type";
    like $etag, qr/^"[0-9a-f]{16}"$/, '  with a strong ETag';
    like $modified, qr/ GMT$/, '  and a date';
    is $first->header('Vary'), undef, '  the same for all';
    is_deeply [ $first->headers->header('Access-Control-Allow-Origin') ], ['*'], '  open to every site';
    like $first->header('Cache-Control'), qr/max-age=86400/, '  and kept for a day';
    for my $condition ([ 304, 'If-None-Match' => $etag ], [ 304, 'If-None-Match' => '*' ], [ 304, 'If-Modified-Since' => $modified ],
        [ 200, 'If-None-Match' => '"other"' ], [ 412, 'If-Match' => '"other"' ], [ 206, Range => 'bytes=0-9' ]) {
        my ($status, @headers) = @{$condition};
        my $response = get($path, @headers);
        is $response->code, $status, "  @headers: $status";
        is $response->header('Access-Control-Allow-Origin'), '*', '    open to every site';
        is $response->content . $response->header('ETag'), $etag, '    with the ETag alone' if $status == 304;
    }
    my $head = ask('HEAD', $path);
    is $head->code . ' ' . $head->content, '200 ', '  HEAD has no body';
    is $head->header($_) // 'none', $first->header($_) // 'none', "  and GET's $_" for qw(Content-Type ETag Last-Modified Link);
    my $post = ask('POST', $path, 'x=y');
    is $post->code . ' ' . $post->header('Allow'), '405 GET, HEAD, OPTIONS', '  POST is refused';
    my $preflight = ask('OPTIONS', $path, Origin => 'https://viewer.example.org', 'Access-Control-Request-Method' => 'GET');
    is $preflight->code . ' ' . $preflight->header('Access-Control-Allow-Methods'), '204 GET, HEAD, OPTIONS', '  a preflight is answered';
    ok h2($path)->content eq $first->content, '  the same over HTTP/2';
}
is get('/zoom/small.jpg.dzi')->header('Last-Modified'), get('/zoom/small.jpg/info.json')->header('Last-Modified'),
    'a descriptor is as old as info.json: settings are part of both';
{
    my $response = get('/zoom/small.jpg_files/10/0_0.jpg');
    is $response->header('Content-Type'), 'text/plain; charset=utf-8', 'a tile that is not there is told in a text';
    is $response->header('Cache-Control'), 'no-store', '  that is not kept';
    is $response->header('Access-Control-Allow-Origin'), '*', '  and every site may read';
}

# -- what is not an image is left to the rest of httpd ------------------------------------------

for my $name (qw(unknown.dzi unknown.jpg_files/9/0_0.jpg unknown_zdata/ImageProperties.xml unknown_zdata/TileGroup0/0-0-0.jpg .dzi
    _files/0/0_0.jpg _zdata/ImageProperties.xml)) {
    my $response = get("/zoom/$name");
    is $response->code . ' ' . ($response->header('X-IIIF-Kind') // 'httpd'), '404 httpd', "/zoom/$name is httpd's to answer";
    is get("/front/$name")->content, "the rest of httpd\n", '  or of an application';
    is get("/notfound/$name")->code, 404, '  but ours where IIIFFallback says so';
}

my %OTHERS = (
    'zoom/other.dzi'               => 'a file beside',
    'zoom/other_files/9/0_0.jpg'   => 'a tile beside',
    'zoom/small.jpg.dzi'           => 'another descriptor of small.jpg',
    'zoom/small.jpg_files/9/0_0.jpg' => 'another tile of small.jpg',
    'zoom/small.jpg_zdata/ImageProperties.xml' => 'other properties of small.jpg',
    'zoom/small.jpg_zdata/TileGroup0/0-0-0.jpg' => 'another Zoomify tile of small.jpg',
    'zoom/small png.dzi'           => 'a space',
);
for my $name (sort keys %OTHERS) {
    my ($directory) = "$HTDOCS/$name" =~ m{^(.*)/};
    make_path($directory);
    IIIF::PrivateHttpd::spew("$HTDOCS/$name", $OTHERS{$name});
    is get('/' . $name =~ s/ /%20/r)->content, $OTHERS{$name}, "a file of the DocumentRoot is served: $name";
}
is get('/zoom/small.jpg_files/9/0_0.jpg', 'If-None-Match' => '*')->code, 304, '  as files are';
remove_tree("$HTDOCS/zoom");
isnt get("/$_")->content, $OTHERS{$_}, "  and no longer when it is gone: $_" for sort grep { !/ / } keys %OTHERS;
is plan_of(get('/zoom/small.jpg.dzi')), '200 descriptor', '  then there is what we make up';

# -- real ones below the root -------------------------------------------------------------------

for my $name (qw(real.dzi real_files/10/0_0.jpg real_files/10/3_3.jpg real_files/9/0_0.jpg real_files/0/0_0.jpg real_zdata/ImageProperties.xml
    real_zdata/TileGroup0/0-0-0.jpg)) {
    my $response = get("/stored/$name");
    is $response->code, 200, "/stored/$name is a real file";
    ok $response->content eq slurp("$IMAGES/$name"), '  and sent as it is';
    is get("/stored/$name", 'If-None-Match' => $response->header('ETag') // '""')->code, 304, '  with validators';
    is get("/stored/$name", Range => 'bytes=3-5')->content, substr(slurp("$IMAGES/$name"), 3, 3), '  and in parts';
    is $response->header('Access-Control-Allow-Origin'), '*', '  open to every site';
    is get("/stored/access%2Fprotected%2F$name")->code, 403, '  not where its directory is closed';
    is get("/stored/access/protected/$name")->code, 403, '    however it is spelled';
}
is get('/stored/real_files/10/0_0.jpg')->header('Content-Type'), 'image/jpeg', 'a real tile has its type';
is get('/stored/real_files/10/4_0.jpg')->code, 404, 'what a real one does not have is not made up';
is get('/stored/real_zdata/TileGroup0/9-0-0.jpg')->code, 404, '  of Zoomify neither';
is attributes(get('/stored/real.jpg.dzi'))->{Width}, 481, 'the image of that name has its own, with its extension';
is attributes(get('/stored/real.dzi'))->{Width}, 640, '  and not without';

# By their names alone, whatever the site says of such names; as what they are, if httpd knows no types; and
# nothing that is no image
my %REAL = (
    'whole.dzi' => 'application/xml', 'whole_files/0/0_0.jpg' => 'image/jpeg', 'whole_files/0/0_0.jpeg' => 'image/jpeg',
    'whole_files/0/0_0.JPG' => 'image/jpeg', 'whole_files/0/0_0.webp' => 'image/webp', 'whole_files/0/0_0.png' => 'image/png',
    'whole_files/0/0_0.tiff' => 'image/tiff', 'part_files/0/0_0.webp' => 'image/webp', 'whole_zdata/ImageProperties.xml' => 'application/xml',
    'whole_zdata/TileGroup0/0-0-0.jpg' => 'image/jpeg',
);
my @UNREAL = map { my $name = $_; map { "${name}_files/0/0_0.$_" } qw(php html cgi dzi xml PHP jpgx) } qw(whole part plain.jpg);
my $SITE = <<'CONF';
IIIFImageRoot /iiif ${TOP}/images
IIIFImageRoot /off ${TOP}/images
<Location /off>
    IIIFDeepZoom off
</Location>
<Directory ${TOP}/images>
    Require all granted
    AddHandler server-status .webp .php .jpeg
    AddType text/html .png
    <FilesMatch "\.(?i:jpg|dzi|xml|html|tiff)$">
        SetHandler server-status
    </FilesMatch>
</Directory>
CONF
{
    my $httpd = IIIF::PrivateHttpd->new;
    my $directory = $httpd->directory . '/images';
    my @files = (keys %REAL, @UNREAL);

    for my $name (@files) {
        make_path("$directory/$name" =~ s{/[^/]*$}{}r);
        IIIF::PrivateHttpd::spew("$directory/$name", "this is $name");
    }
    IIIF::PrivateHttpd::spew("$directory/plain.jpg", slurp("$IMAGES/capitals.jpg"));
    $httpd->configure($SITE =~ s/\$\{TOP\}\/images/$directory/gr);
    $httpd->start;
    local $IIIF::Client::PORT = $httpd->port;
    for my $name (sort keys %REAL) {
        my $response = get("/iiif/$name");
        is $response->code . ' ' . $response->content, "200 this is $name", "$name is real, and no handler's";
        is $response->header('Content-Type') =~ s/;.*//r, $REAL{$name}, "  but $REAL{$name}";
        is get("/off/$name")->code, $REAL{$name} =~ /image/ ? 303 : 404, '  without Deep Zoom an image like any other, or nothing';
    }
    for my $name (@UNREAL) {
        my $response = get("/iiif/$name");
        is $response->code, 404, "$name is not found";
        unlike $response->content, qr/this is|Server Status/, '  nor run';
    }
    is get('/iiif/plain.jpg/info.json')->code, 200, 'an image is served there';
    is get('/iiif/plain.jpg_files/0/0_0.jpg')->header('Content-Type'), 'image/jpeg', '  as Deep Zoom, too';
    $httpd->stop;
}

# -- switched off: of the whole server but for one place, and of one place ----------------------

my @PYRAMID = ('.dzi', '_files/9/0_0.jpg', '_files/0/0_0.jpg', '_zdata/ImageProperties.xml', '_zdata/TileGroup0/0-0-0.jpg');
for my $name (@PYRAMID) {
    my $response = get("/zoom-off/small.jpg$name");
    is $response->code . ' ' . ($response->header('X-IIIF-Kind') // 'httpd'), '404 httpd', "small.jpg$name is httpd's where Deep Zoom is off";
    is get("/front/off/plain.png$name")->content, "the rest of httpd\n", '  or an application\'s';
    is get("/front/plain.png$name")->header('X-IIIF-Kind') // 'httpd', $name =~ /\d\.jpg$/ ? 'image' : 'info', '    and ours by default';
    is get("/zoom-off-notfound/small.jpg$name")->header('X-IIIF-Kind') // 'httpd', 'notfound', '    and unknown under IIIFFallback notfound';
    is get("/stored-off/real$name")->code, $name =~ /\d\.jpg$/ ? 303 : 404, '  real tiles are images like any other, and descriptors nothing';
    make_path("$HTDOCS/zoom-off/small.jpg$name" =~ s{/[^/]*$}{}r);
    IIIF::PrivateHttpd::spew("$HTDOCS/zoom-off/small.jpg$name", "not ours: $name");
    is get("/zoom-off/small.jpg$name")->content, "not ours: $name", '  and a file of that name is served';
}
remove_tree("$HTDOCS/zoom-off");
is get('/zoom-if/small.jpg.dzi', @{ $_->[1] })->code, $_->[0], "an <If> decides: $_->[0]" for [ 404, [] ], [ 200, [ 'X-Viewer' => 'OpenSeadragon' ] ];
is get("/zoom-off/small.jpg/$_")->code, 200, "images are served all the same: $_" for 'info.json', '0,0,128,128/max/0/default.jpg';
{
    my $httpd = IIIF::PrivateHttpd->new(conf => <<'CONF');
IIIFDeepZoom off
IIIFImageRoot /off ${FIXTURES}/images
IIIFImageRoot /on ${FIXTURES}/images
<Location /on>
    IIIFDeepZoom on
</Location>
CONF
    $httpd->start;
    local $IIIF::Client::PORT = $httpd->port;
    is_deeply [ map { get("/$_->[0]/small.jpg$_->[1]")->code } map { [ off => $_ ], [ on => $_ ] } @PYRAMID ], [ (404, 200) x @PYRAMID ],
        'off for the server, and on for a place';
    $httpd->stop;
}

# -- tiles made beforehand are Deep Zoom, too ---------------------------------------------------

my @STORED = (
    # identifier, size, descriptor, levels' directory, format
    [ 'golden%2Fdz.jpg', 4000, 3000, { TileSize => 256, Overlap => 0, Format => 'jpg' }, 'golden/dz_files' ],
    [ 'a%20b.png',        481,  323, { TileSize => 128, Overlap => 0, Format => 'jpg' }, 'a b.png_files' ],
    [ 'overlap-1.jpg',    481,  323, { TileSize => 126, Overlap => 1, Format => 'jpg' }, 'overlap-1_files' ],
    [ 'overlap-2.jpg',    481,  323, { TileSize => 100, Overlap => 2, Format => 'png' }, 'overlap-2_files' ],
    [ 'jpeg.jpg',         481,  323, { TileSize => 128, Overlap => 0, Format => 'jpeg' }, 'jpeg_files' ],
    [ 'script.jpg',       481,  323, { TileSize => 128, Overlap => 0, Format => 'jpg' }, 'script_files' ],
    [ 'capitals.jpg',     481,  323, { TileSize => 128, Overlap => 0, Format => 'JPG' }, 'capitals_files' ],
);
for my $row (@STORED) {
    my ($identifier, $width, $height, $want, $directory) = @{$row};
    my $dzi = attributes(get("/stored/$identifier.dzi"));
    my @wrong;

    is_deeply { map { $_ => $dzi->{$_} } 'Width', 'Height', keys %{$want} }, { Width => $width, Height => $height, %{$want} },
        "$identifier: the descriptor is the stored one's";
    for my $t (tiles($want->{TileSize}, deepzoom_levels($width, $height))) {
        my $name = deepzoom_name($t, $want->{Format});
        my $response = get("/stored/$identifier$name");
        my $file = slurp("$TILES/$directory" . $name =~ s/^_files//r);
        push @wrong, "$name: " . plan_of($response) if plan_of($response) ne '200 static' || $response->content ne $file;
    }
    is_deeply \@wrong, [], '  and all its tiles are the stored files';
}
for my $spelling (qw(JPG jpg jpeg Jpg)) {
    my $response = get("/stored/capitals.jpg_files/9/1_1.$spelling");
    is plan_of($response) . ' ' . $response->header('Content-Type'), '200 static image/jpeg', "capitals.jpg: a tile called .$spelling is stored";
    ok $response->content eq slurp("$TILES/capitals_files/9/1_1.JPG"), '  and that file';
}
my @zoomify = tiles(256, zoomify_levels(4000, 3000, 256));
for my $name (qw(zoomify zoomify-plain)) {
    my %directory = (zoomify => 'zoomify_zdata', 'zoomify-plain' => 'zoomify-plain');
    my @wrong = grep {
        my $tile = zoomify_name($_);
        my $response = get("/stored/golden%2F$name.jpg$tile");
        plan_of($response) ne '200 static' || $response->content ne slurp("$TILES/golden/$directory{$name}" . $tile =~ s/^_zdata//r);
    } @zoomify;
    is_deeply [ map { zoomify_name($_) } @wrong ], [], "golden/$name.jpg: all Zoomify tiles are the stored files";
}
is attributes(get('/stored/floor.png_zdata/ImageProperties.xml'))->{NUMTILES}, 69, 'Zoomify made rounding down is shown as one rounded up';
is_deeply [ wrong_tiles('/stored/floor.png', map { [ $_, zoomify_name($_) ] } tiles(64, zoomify_levels(513, 300, 64))) ], [],
    '  of which every tile is right';
is_deeply [ wrong_tiles("/stored/$_->[0]", map { [ $_, deepzoom_name($_) ] } tiles($_->[1], deepzoom_levels(481, 323))) ], [],
    "$_->[0]: every tile is right" for [ 'holes.jpg', 128 ], [ 'stale.jpg', 512 ], [ 'unturned.jpg', 512 ], [ 'turned.jpg', 128 ];
is plan_of(get('/stored/pyramid-tif.jpg_files/12/3_3.jpg')), '200 raw', 'tiles of a stored pyramid are raw as Deep Zoom';
is plan_of(get('/stored/pyramid-tif.jpg_zdata/TileGroup0/4-3-3.jpg')), '200 raw', '  and as Zoomify';

# -- limits -------------------------------------------------------------------------------------

for my $identifier (qw(plain.png plain.jpg map.tif)) {
    my ($base, $limit) = ("/zoom-limited/$identifier", 300);
    my $info = info("/zoom-limited/3/$identifier");
    my $dzi = attributes(get("$base.dzi"));
    my @tiles = tiles($dzi->{TileSize}, deepzoom_levels(@{$info}{qw(width height)}));
    my $middle = $tiles[-1];

    is $info->{maxWidth}, $limit, "$identifier: info.json says how wide an image may be";
    cmp_ok $info->{tiles}[0]{width}, '<=', $limit, '  and its tiles are not wider';
    cmp_ok $dzi->{TileSize}, '<=', $limit, '  nor those of Deep Zoom';
    is attributes(get("${base}_zdata/ImageProperties.xml"))->{TILESIZE}, $dzi->{TileSize}, '  and Zoomify';
    is dims_of(get($base . deepzoom_name($middle))), "$middle->{width}x$middle->{height}", '  which are served';
    is get("$base/0,0,301,301/301,301/0/default.jpg")->code, 400, '  and nothing larger';
}

done_testing;
