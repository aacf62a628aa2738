# SPDX-License-Identifier: Apache-2.0
# Region, size, rotation, quality and format: what is refused with 400, and how large the image is
# that comes otherwise. plain.png has 1000x800 pixels; it may be enlarged twice, as by default.
use strict;
use warnings FATAL => 'all';
no warnings 'qw';    # sizes have commas
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Client qw(get dims_of);

my $BAD = 'status 400';

# Versions that a row is about, what stands between identifier and quality, and what must come.
# Section numbers are those of 3.0.

# -- 4.1 region
my @REGIONS = (
    [ '23', 'full',                       '1000x800' ],
    [ '23', '0,0,1000,800',               '1000x800' ],
    [ '23', '0,0,5000,5000',              '1000x800' ],
    [ '23', '900,700,500,500',            '100x100' ],
    [ '23', '999,799,100,100',            '1x1' ],
    [ '23', '999,0,1,800',                '1x800' ],
    [ '23', '7,3,101,53',                 '101x53' ],
    [ '23', '1000,0,10,10',               $BAD ],
    [ '23', '0,800,10,10',                $BAD ],
    [ '23', '1001,801,10,10',             $BAD ],
    [ '23', '0,0,0,10',                   $BAD ],
    [ '23', '0,0,10,0',                   $BAD ],
    [ '23', '4294967296,0,10,10',         $BAD ],
    [ '23', '18446744073709551616,0,9,9', $BAD ],
    [ '23', '0,0,4294967297,9',           '1000x9' ],
    [ '23', '0,0,18446744073709551617,9', '1000x9' ],
    [ '23', '1,1,18446744073709551615,9', '999x9' ],
    [ '23', '0,0,' . '9' x 300 . ',9',    '1000x9' ],
    [ '23', '0000,00,0009,9',             '9x9' ],
    [ '23', '-1,0,9,9',                   $BAD ],
    [ '23', '0,-1,9,9',                   $BAD ],
    [ '23', '1.5,0,9,9',                  $BAD ],
    [ '23', '1.0,0,9,9',                  $BAD ],
    [ '23', '+1,0,9,9',                   $BAD ],
    [ '23', '0x9,0,9,9',                  $BAD ],
    [ '23', '1e2,0,9,9',                  $BAD ],
    [ '23', '%200,0,9,9',                 $BAD ],
    [ '23', '0,0,9,9%20',                 $BAD ],
    [ '23', '0,0,9',                      $BAD ],
    [ '23', '0,0,9,9,9',                  $BAD ],
    [ '23', '0,0,9,9,',                   $BAD ],
    [ '23', ',0,9,9',                     $BAD ],
    [ '23', '0,,9,9',                     $BAD ],
    [ '23', '0;0;9;9',                    $BAD ],
    [ '23', 'square',                     '800x800' ],
    [ '23', 'FULL',                       $BAD ],
    [ '23', 'Square',                     $BAD ],
    [ '23', 'fullx',                      $BAD ],
    [ '23', 'pct:0,0,100,100',            '1000x800' ],
    [ '23', 'pct:41.6,7.5,66.6,100',      '584x740' ],
    [ '23', 'pct:0,0,50,25.5',            '500x204' ],
    [ '23', 'pct:90,90,50,50',            '100x80' ],
    [ '23', 'pct:0,0,200,200',            '1000x800' ],
    [ '23', 'pct:99.9,99.9,9,9',          '1x1' ],
    [ '23', 'pct:99.999,0,9,9',           qr/^1x72$/ ],
    [ '23', 'pct:.5,.5,50,50',            '500x400' ],
    [ '23', 'pct:0,0,33.3333,33.3333',    qr/^33[34]x26[67]$/ ],
    [ '23', 'pct:0,0,12.34567890123,50',  qr/^12[34]x400$/ ],
    [ '23', 'pct:0,0,0.01,100',           qr/^1x800$/ ],
    [ '23', 'pct:9,9,0.0000001,0.0000001', $BAD ],
    [ '23', 'pct:100,0,10,10',            $BAD ],
    [ '23', 'pct:0,100,10,10',            $BAD ],
    [ '23', 'pct:0,0,0,50',               $BAD ],
    [ '23', 'pct:0,0,50,0',               $BAD ],
    [ '23', 'pct:0,0,0.0,50',             $BAD ],
    [ '23', 'pct:-1,0,9,9',               $BAD ],
    [ '23', 'pct:1e1,0,9,9',              $BAD ],
    [ '23', 'pct:+5,0,9,9',               $BAD ],
    [ '23', 'pct:NaN,0,9,9',              $BAD ],
    [ '23', 'pct:inf,0,9,9',              $BAD ],
    [ '23', 'pct:50%25,0,9,9',            $BAD ],
    [ '23', 'pct:0.,0,9,9',               $BAD ],
    [ '23', 'pct:.,0,9,9',                $BAD ],
    [ '23', 'pct:1.2.3,0,9,9',            $BAD ],
    [ '23', 'pct:0,0,9',                  $BAD ],
    [ '23', 'pct:',                       $BAD ],
    [ '23', 'PCT:0,0,9,9',                $BAD ],
    [ '23', '%FF',                        $BAD ],
);

# -- 4.2 size: versions, region, size
my @SIZES = (
    [ '3',  'full',          'max',         '1000x800' ],
    [ '2',  'full',          'full',        '1000x800' ],
    [ '2',  'full',          'max',         '1000x800' ],
    [ '3',  'full',          'full',        $BAD ],
    [ '3',  'full',          '^full',       $BAD ],
    [ '23', '0,0,300,200',   '150,',        '150x100' ],
    [ '23', 'full',          '500,',        '500x400' ],
    [ '23', 'full',          ',400',        '500x400' ],
    [ '23', 'full',          '500,400',     '500x400' ],
    [ '23', 'full',          '500,100',     '500x100' ],
    [ '23', 'full',          '1,1',         '1x1' ],
    [ '23', 'full',          'pct:50',      '500x400' ],
    [ '23', 'full',          'pct:12.5',    '125x100' ],
    [ '23', 'full',          'pct:33.33',   qr/^33[34]x26[67]$/ ],
    [ '23', 'full',          '1000,',       '1000x800' ],
    [ '23', 'full',          ',800',        '1000x800' ],
    [ '23', 'full',          '1000,800',    '1000x800' ],
    [ '23', 'full',          'pct:100',     '1000x800' ],
    [ '23', 'full',          'pct:100.000', '1000x800' ],
    [ '3',  'full',          '^1000,',      '1000x800' ],
    [ '3',  'full',          '^pct:50',     '500x400' ],
    [ '3',  'full',          '^500,',       '500x400' ],
    # upscaling without "^"
    [ '3',  'full',          '1001,',       $BAD ],
    [ '3',  'full',          ',801',        $BAD ],
    [ '3',  'full',          '1001,800',    $BAD ],
    [ '3',  'full',          '1000,801',    $BAD ],
    [ '3',  'full',          '1001,1',      $BAD ],
    [ '3',  'full',          'pct:100.5',   $BAD ],
    [ '3',  'full',          'pct:100.0000000001', $BAD ],
    [ '3',  '0,0,100,100',   '101,',        $BAD ],
    [ '3',  '0,0,100,90',    'pct:100.1',   $BAD ],
    [ '3',  '0,0,100,100',   '!100,100',    '100x100' ],
    [ '3',  'full',          '4294967297,', $BAD ],
    [ '3',  'full',          '18446744073709551617,', $BAD ],
    # with it
    [ '3',  'full',          '^1001,',      qr/^1001x80[01]$/ ],
    [ '3',  'full',          '^,1600',      '2000x1600' ],
    [ '3',  'full',          '^1100,800',   '1100x800' ],
    [ '3',  'full',          '^500,900',    '500x900' ],
    [ '3',  'full',          '^pct:120',    '1200x960' ],
    [ '3',  'full',          '^pct:200',    '2000x1600' ],
    [ '3',  'full',          '^max',        '2000x1600' ],
    [ '3',  '0,0,100,100',   '^200,',       '200x200' ],
    [ '3',  'full',          '^pct:201',    $BAD ],
    [ '3',  'full',          '^2001,',      $BAD ],
    [ '3',  'full',          '^,1601',      $BAD ],
    [ '3',  'full',          '^4294967297,', $BAD ],
    [ '3',  'full',          '^1,18446744073709551617', $BAD ],
    [ '2',  'full',          '2000,',       '2000x1600' ],
    [ '2',  'full',          '2000,1600',   '2000x1600' ],
    [ '2',  'full',          'pct:200',     '2000x1600' ],
    [ '2',  '0,0,100,100',   '200,',        '200x200' ],
    [ '2',  'full',          '2001,',       $BAD ],
    [ '2',  'full',          'pct:201',     $BAD ],
    # as large as fits
    [ '23', 'full',          '!500,500',    '500x400' ],
    [ '23', 'full',          '!2000,400',   '500x400' ],
    [ '23', 'full',          '!400,2000',   '400x320' ],
    [ '3',  'full',          '!2000,3000',  '1000x800' ],
    [ '3',  'full',          '!1000,800',   '1000x800' ],
    [ '3',  'full',          '^!2000,400',  '500x400' ],
    [ '3',  'full',          '^!1200,1200', '1200x960' ],
    [ '3',  'full',          '^!9999,9999', '2000x1600' ],
    [ '3',  'full',          '^!18446744073709551617,4294967297', '2000x1600' ],
    [ '23', 'full',          '!18446744073709551617,9', qr/^1[12]x9$/ ],
    [ '23', '0,0,1000,1',    '!100,100',    '100x1' ],
    # "^" is 3.0
    ( map { [ '2', 'full', $_, $BAD ] } qw(^max ^500, ^pct:50 ^!500,500 ^ ^full) ),
    # less than a pixel
    ( map { [ '23', 'full', $_, $BAD ] } qw(0, ,0 0,0 0,9 9,0 !0,9 !9,0 !0,0 pct:0 pct:0.0 pct:0.001 pct:0.0000000000001) ),
    ( map { [ '3',  'full', $_, $BAD ] } qw(^0, ^,0 ^0,0 ^!0,9 ^pct:0) ),
    [ '23', '0,0,1000,1',    '10,',         '10x1' ],
    [ '23', '0,0,1,800',     ',10',         '1x10' ],
    # no grammar
    ( map { [ '23', 'full', $_, $BAD ] }
        qw(!^9,9 ^^max ^ ! , !9, !,9 !, !max 9,9, 9 9.0, 9,9.0 max, maxx MAX Max pct:5,5 pct: pct pct:5% 100^, ,^9 -9,
        +9, 0x9, 9e1, 9,-9
        pct:-5 pct:+5 pct:5e1 pct:NaN pct:5. pct:.), '9%20,', '%209,', 'pct:%205', '!!9,9', '9;9' ),
    # httpd merges slashes and takes dot segments out: what is left has too few segments for an image
    [ '23', 'full',          '',            'status 404' ],
    [ '23', 'full',          '.',           'status 404' ],
    # the other side: exact where that is an integer, else one of the two next to it
    [ '23', '0,0,901,436',   '901,',        '901x436' ],
    [ '23', '0,0,901,436',   ',436',        '901x436' ],
    [ '23', '0,0,901,436',   'pct:100',     '901x436' ],
    [ '23', '0,0,901,436',   '900,',        qr/^900x43[56]$/ ],
    [ '23', '0,0,999,333',   '333,',        '333x111' ],
    [ '23', '0,0,7,3',       '5,',          qr/^5x[23]$/ ],
    [ '23', '0,0,7,3',       ',2',          qr/^[45]x2$/ ],
    [ '23', '0,0,7,3',       'pct:50',      qr/^[34]x[12]$/ ],
    [ '23', '0,0,7,3',       '!5,5',        qr/^5x[23]$/ ],
    # tiles at the edges, as viewers ask for them
    [ '23', '512,512,488,288', '488,',      '488x288' ],
    [ '23', '512,512,488,288', '244,144',   '244x144' ],
    [ '23', '999,512,1,288', '1,144',       '1x144' ],
    [ '23', '0,0,1000,800',  '250,200',     '250x200' ],
);

# -- 4.3 rotation: versions, size, rotation; a region of 80x60
my @ROTATIONS = (
    [ '23', '80,', '0',           '80x60' ],
    [ '23', '80,', '360',         '80x60' ],
    [ '23', '80,', '360.0',       '80x60' ],
    [ '23', '80,', '0.0',         '80x60' ],
    [ '23', '80,', '90',          '60x80' ],
    [ '23', '80,', '90.0',        '60x80' ],
    [ '23', '80,', '090',         '60x80' ],
    [ '23', '80,', '180',         '80x60' ],
    [ '23', '80,', '270',         '60x80' ],
    [ '23', '80,', '!0',          '80x60' ],
    [ '23', '80,', '!90',         '60x80' ],
    [ '23', '80,', '!360',        '80x60' ],
    [ '23', '40,', '90',          '30x40' ],
    [ '23', '80,', '45',          qr/^(?:98|99|100)x(?:98|99|100)$/ ],
    [ '23', '80,', '22.5',        qr/^9[678]x8[567]$/ ],
    [ '23', '80,', '.5',          qr/^8[01]x6[01]$/ ],
    [ '23', '80,', '!45.125',     qr/^(?:98|99|100)x(?:98|99|100)$/ ],
    [ '23', '80,', '359.9999999', qr/^8[01]x6[01]$/ ],
    ( map { [ '23', '80,', $_, $BAD ] }
        qw(360.1 360.00000000001 361 -90 450 9e1 90deg +90 -0 !!9 90! NaN inf ! x 0x5A 90. 1.2.3 18446744073709551706),
        '%2090', '90%20', '90,0' ),
);

# -- 4.4, 4.5 quality and format
my @LAST = (
    ( map { [ '23', "$_.png", '80x60' ] } qw(default color gray bitonal) ),
    ( map { [ '23', "$_.jpg", '80x60' ] } qw(default color gray bitonal) ),
    ( map { [ '23', "default.$_", '80x60' ] } qw(tif gif webp jp2) ),
    ( map { [ '23', $_, $BAD ] }
        qw(native.jpg grey.jpg grey.png Default.jpg DEFAULT.jpg .jpg x.jpg default default. default.jpeg default.tiff default.JPG
        default.Jpg default.xyz default.svg default.html default.jpg.png default..jpg default.jpg. default.json defaultjpg),
        'default%20.jpg', 'default.jpg%20', '%20default.jpg' ),
);

my @ROWS = (
    ( map { my ($v, $region, $want) = @$_; [ $v, "$region/max/0/default.png", $want ] } @REGIONS ),
    ( map { my ($v, $region, $size, $want) = @$_; [ $v, "$region/$size/0/default.png", $want ] } @SIZES ),
    ( map { my ($v, $size, $rotation, $want) = @$_; [ $v, "0,0,80,60/$size/$rotation/default.png", $want ] } @ROTATIONS ),
    ( map { my ($v, $last, $want) = @$_; [ $v, "0,0,80,60/max/0/$last", $want ] } @LAST ),
);
for my $row (@ROWS) {
    my ($versions, $parameters, $want) = @$row;
    for my $version (split //, $versions) {
        my $got = dims_of(get("/iiif/$version/plain.png/$parameters"));
        my $name = "$version: " . (length $parameters > 70 ? substr($parameters, 0, 70) . '...' : $parameters);
        ref $want ? like $got, $want, $name : is $got, $want, $name;
    }
}

# -- a refusal is one sentence that says which parameter, and shows nothing as markup
for my $row ([ 'x,0,9,9/max/0/default.jpg', qr/^region 'x,0,9,9' / ], [ 'full/x/0/default.jpg', qr/^size 'x' / ],
    [ 'full/max/x/default.jpg', qr/^rotation 'x' / ], [ 'full/max/0/x.jpg', qr/^quality 'x' / ],
    [ 'full/max/0/default.x', qr/^format 'x' / ], [ '%3Cscript%3E/max/0/default.jpg', qr/^region '<script>' / ],
    [ '%0A%1B/max/0/default.jpg', qr/^region '\\n\\x1b' / ], [ 'a' x 2000 . '/max/0/default.jpg', qr/^region 'a{100}/ ]) {
    my ($parameters, $sentence) = @$row;
    my $response = get("/iiif/plain.png/$parameters");
    like $response->content, $sentence, substr($parameters, 0, 40) . ': the sentence';
    is + (() = $response->content =~ /\n/g), 1, '  is one line';
    is $response->header('Content-Type'), 'text/plain; charset=utf-8', '  of plain text';
    is $response->header('X-Content-Type-Options'), 'nosniff', '  that no browser sniffs for markup';
}

# -- the suffix decides, not the Accept header
my %MEDIA_TYPES = (
    jpg => 'image/jpeg', png => 'image/png', tif => 'image/tiff', gif => 'image/gif', webp => 'image/webp', jp2 => 'image/jp2',
    pdf => 'application/pdf',
);
for my $format (sort keys %MEDIA_TYPES) {
    my $response = get("/iiif/plain.png/0,0,9,9/max/0/default.$format", Accept => 'image/png, text/html;q=0.1');
    is $response->code . ' ' . $response->header('Content-Type'), "200 $MEDIA_TYPES{$format}", "$format is $MEDIA_TYPES{$format}";
}

done_testing;
