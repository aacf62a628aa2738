# SPDX-License-Identifier: Apache-2.0
# Limits: announced in info.json, and kept; "max" and "!w,h" shrink to them, an exact size beyond
# them is refused. plain.png has 1000x800 pixels.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Client qw(get info dims_of);

my ($BAD, $NOT_BUILT, $TOO_LARGE) = map { "status $_" } 400, 501, 413;

# What info.json announces: maxWidth, maxHeight, maxArea; may images be enlarged?
my %ANNOUNCED = (
    '/iiif'                => [ 2000,  1600,  undef,  1 ],
    '/max-width'           => [ 600,   600,   undef,  1 ],
    '/max-width/unlimited' => [ 2000,  1600,  undef,  1 ],
    '/max-height'          => [ 2000,  400,   undef,  1 ],
    '/max-area'            => [ undef, undef, 200000, 1 ],
    '/max-all'             => [ 800,   300,   100000, 1 ],
    '/max-upscale-off'     => [ 600,   600,   undef,  0 ],
    '/upscale-off'         => [ undef, undef, undef,  0 ],
    '/upscale-3'           => [ 3000,  2400,  undef,  1 ],
    '/upscale-3-max'       => [ 2500,  2400,  undef,  1 ],
    '/upscale-to-max'      => [ 5000,  2400,  undef,  1 ],
);
my @LIMITS = qw(maxWidth maxHeight maxArea);

for my $root (sort keys %ANNOUNCED) {
    my ($v3, $v2) = (info("$root/3/plain.png"), info("$root/2/plain.png"));
    my @limits = @{ $ANNOUNCED{$root} };
    my $upscale = pop @limits;

    is_deeply [ @$v3{@LIMITS} ], \@limits, "$root announces its limits in version 3";
    is_deeply [ @{ $v2->{profile}[1] }{@LIMITS} ], \@limits, '  and in version 2, in its profile';
    is_deeply [ @$v2{@LIMITS} ], [ undef, undef, undef ], '  and only there';
    is scalar(grep { $_ eq 'sizeUpscaling' } @{ $v3->{extraFeatures} }), $upscale,
        '  sizeUpscaling is ' . ($upscale ? 'there' : 'not there');
    is scalar(grep { $_ eq 'sizeAboveFull' } @{ $v2->{profile}[1]{supports} }), $upscale, '  sizeAboveFull too';
    ok !$upscale || defined $v3->{maxWidth} || defined $v3->{maxArea}, '  and whoever enlarges names a limit (5.7)';
    ok !defined $v3->{maxHeight} || defined $v3->{maxWidth}, '  maxHeight never stands alone (5.2)';
    within_limits($root, $v3, \@limits);
}

# Each size and each tile keeps the limits, and is served.
sub within_limits {
    my ($root, $info, $limits) = @_;
    my ($width, $height, $area) = map { $_ // 9**9 } @$limits;
    my @promised = (@{ $info->{sizes} // [] }, map { { width => $_->{width}, height => $_->{height} } } @{ $info->{tiles} // [] });

    # a tile larger than the image is the image
    my @dims = map { [ min($_->{width}, 1000), min($_->{height}, 800) ] } @promised;
    is_deeply [ grep { $_->[0] > $width || $_->[1] > $height || $_->[0] * $_->[1] > $area } @dims ], [],
        '  no size and no tile is beyond them';
    for my $size (@{ $info->{sizes} // [] }) {
        my $dims = "$size->{width}x$size->{height}";
        is dims_of(get("$root/3/plain.png/full/$size->{width},$size->{height}/0/default.jpg")), $dims, "  size $dims is served";
        is dims_of(get("$root/2/plain.png/full/$size->{width},/0/default.jpg")), $dims, '    and as "w," of version 2';
    }
    return;
}

sub min {
    my ($one, $other) = @_;
    return $one < $other ? $one : $other;
}

my @ROWS = (
    # root, version, region/size, the size that comes
    [ '/max-width',       23, 'full/max',                '600x480' ],
    [ '/max-width',       2,  'full/full',               $BAD ],
    [ '/max-width',       2,  '0,0,600,600/full',        '600x600' ],
    [ '/max-width',       23, '0,0,600,600/max',         '600x600' ],
    [ '/max-width',       23, '0,0,601,300/max',         qr/^600x(?:299|300)$/ ],
    [ '/max-width',       23, '0,0,300,800/max',         '225x600' ],
    [ '/max-width',       23, 'full/600,',               '600x480' ],
    [ '/max-width',       23, 'full/601,',               $BAD ],
    [ '/max-width',       23, 'full/,480',               '600x480' ],
    [ '/max-width',       23, 'full/,482',               $BAD ],
    [ '/max-width',       23, 'full/100,601',            $BAD ],
    [ '/max-width',       23, 'full/pct:60',             '600x480' ],
    [ '/max-width',       23, 'full/pct:61',             $BAD ],
    [ '/max-width',       23, 'full/1000,800',           $BAD ],
    [ '/max-width',       23, 'full/!700,700',           '600x480' ],
    [ '/max-width',       23, 'full/!9999,9999',         '600x480' ],
    [ '/max-width',       3,  'full/^!9999,9999',        '600x480' ],
    [ '/max-width',       3,  'full/^max',               '600x480' ],
    [ '/max-width',       3,  '0,0,100,100/^max',        '600x600' ],
    [ '/max-width',       3,  '0,0,100,100/^pct:500',    '500x500' ],
    [ '/max-width',       3,  '0,0,100,100/^601,',       $BAD ],
    [ '/max-width',       3,  '0,0,100,100/500,',        $BAD ],
    [ '/max-width',       2,  '0,0,100,100/500,',        '500x500' ],
    [ '/max-height',      23, 'full/max',                '500x400' ],
    [ '/max-height',      23, 'full/,400',               '500x400' ],
    [ '/max-height',      23, 'full/502,',               $BAD ],
    [ '/max-height',      23, 'full/1000,400',           '1000x400' ],
    [ '/max-area',        23, 'full/max',                '500x400' ],
    [ '/max-area',        23, 'full/1000,200',           '1000x200' ],
    [ '/max-area',        23, 'full/1000,201',           $BAD ],
    [ '/max-area',        23, 'full/502,',               $BAD ],
    [ '/max-area',        23, 'full/!700,700',           '500x400' ],
    [ '/max-area',        3,  '0,0,100,100/^max',        '447x447' ],
    [ '/max-all',         23, 'full/max',                qr/^35[34]x28[23]$/ ],
    [ '/max-all',         23, 'full/800,125',            '800x125' ],
    [ '/max-all',         23, 'full/801,100',            $BAD ],
    [ '/max-all',         23, 'full/100,301',            $BAD ],
    [ '/max-all',         23, 'full/400,251',            $BAD ],
    [ '/max-upscale-off', 23, 'full/max',                '600x480' ],
    [ '/max-area',        23, '0,0,1000,10/max',         '1000x10' ],
    [ '/max-upscale-off', 3,  'full/^max',               '600x480' ],
    [ '/max-upscale-off', 3,  '0,0,100,100/^max',        '100x100' ],
    [ '/max-upscale-off', 3,  '0,0,100,100/^200,',       $NOT_BUILT ],
    [ '/upscale-off',     3,  'full/^max',               '1000x800' ],
    [ '/upscale-off',     3,  'full/^500,',              '500x400' ],
    [ '/upscale-off',     3,  'full/^pct:50',            '500x400' ],
    [ '/upscale-off',     3,  'full/^1000,800',          '1000x800' ],
    [ '/upscale-off',     3,  'full/^!2000,400',         '500x400' ],
    [ '/upscale-off',     3,  'full/^pct:120',           $NOT_BUILT ],
    [ '/upscale-off',     3,  'full/^1001,',             $NOT_BUILT ],
    [ '/upscale-off',     3,  'full/^,801',              $NOT_BUILT ],
    [ '/upscale-off',     3,  'full/^1001,10',           $NOT_BUILT ],
    [ '/upscale-off',     3,  'full/1001,',              $BAD ],
    [ '/upscale-off',     3,  'full/pct:120',            $BAD ],
    [ '/upscale-off',     3,  'full/^pct:x',             $BAD ],
    [ '/upscale-off',     3,  'full/^0,',                $BAD ],
    [ '/upscale-off',     2,  'full/max',                '1000x800' ],
    [ '/upscale-off',     2,  'full/1001,',              $NOT_BUILT ],
    [ '/upscale-off',     2,  'full/pct:120',            $NOT_BUILT ],
    [ '/upscale-3',       3,  'full/^max',               '3000x2400' ],
    [ '/upscale-3',       3,  'full/^3001,',             $BAD ],
    [ '/upscale-3',       2,  'full/3000,',              '3000x2400' ],
    [ '/upscale-3-max',   3,  'full/^max',               '2500x2000' ],
    [ '/upscale-3-max',   3,  '0,0,100,800/^max',        '300x2400' ],
    [ '/upscale-to-max',  3,  'full/^max',               '3000x2400' ],
    [ '/upscale-to-max',  3,  '0,0,500,100/^5000,',      '5000x1000' ],
    [ '/upscale-to-max',  3,  '0,0,500,100/^5001,',      $BAD ],
    [ '/source-799999',   23, 'full/max',                $TOO_LARGE ],
    [ '/source-799999',   23, '0,0,9,9/max',             $TOO_LARGE ],
    [ '/source-800000',   23, 'full/max',                '1000x800' ],
    [ '/source-0',        23, 'full/max',                '1000x800' ],
);
for my $row (@ROWS) {
    my ($root, $versions, $what, $want) = @$row;
    for my $version (split //, $versions) {
        my $got = dims_of(get("$root/$version/plain.png/$what/0/default.jpg"));
        ref $want ? like $got, $want, "$root/$version $what" : is $got, $want, "$root/$version $what";
    }
}

# -- canonical URIs under limits: "full" is not what "max" gives
my @CANONICAL = (
    [ '/max-width', 2, 'full/max',             'full/600,' ],
    [ '/max-width', 2, 'full/600,480',         'full/600,' ],
    [ '/max-width', 3, 'full/600,',            'full/max' ],
    [ '/max-width', 3, 'full/!9999,9999',      'full/max' ],
    [ '/max-width', 3, '0,0,100,100/^600,600', '0,0,100,100/^max' ],
    [ '/max-area',  3, 'full/pct:50',          'full/max' ],
    [ '/max-area',  2, 'full/max',             'full/500,' ],
    [ '/upscale-off', 3, 'full/^max',          'full/max' ],
    [ '/upscale-off', 3, 'full/^500,',         'full/500,400' ],
    [ '/upscale-3', 2, 'full/3000,2400',       'full/3000,' ],
);
for my $row (@CANONICAL) {
    my ($root, $version, $asked, $canonical) = @$row;
    my $response = get("$root/$version/plain.png/$asked/0/default.jpg");
    my ($uri) = ($response->header('Link') // '') =~ m{^<http://[^/]+$root/$version/plain\.png/(.*)/0/default\.jpg>;rel="canonical"};
    is $uri, $canonical, "$root/$version: $asked is $canonical";
    is get("$root/$version/plain.png/$canonical/0/default.jpg")->header('ETag'), $response->header('ETag'),
        '  which is the same image';
}

# -- settings of an <If> and of the source's <Directory>
is dims_of(get('/tiers/plain.png/full/max/0/default.jpg')), '100x80', 'an <If> limits strangers';
is info('/tiers/plain.png')->{maxWidth}, 100, '  and says so';
is dims_of(get('/tiers/plain.png/full/max/0/default.jpg', 'X-Tier' => 'gold')), '1000x800', '  and nobody else';
is info('/tiers/plain.png', 'X-Tier' => 'gold')->{maxWidth}, 2000, '  which is said too';
is info('/names/small%2Fpicture')->{maxWidth}, 10, "the source's <Directory> has its say";
like dims_of(get('/names/small%2Fpicture/full/max/0/default.png')), qr/^10x\d$/, '  about images too';

# -- a source that is too large: 413 in info.json too, and the base URI does not look
is get('/source-799999/plain.png/info.json')->code, 413, 'info.json of a source that is too large';
like get('/source-799999/plain.png/info.json')->content, qr/^[^\n]*800000|1000x800/, '  says how large it is';
is get('/source-799999/plain.png')->code, 303, '  and the base URI still redirects';

# -- an encoder's own limit is the client's affair
is get('/wide/plain.png/0,0,100,1/^17000,1/0/default.webp')->code, 400, 'WebP has at most 16383 pixels a side';
# Image::Magick's own policy ends at 16000: the header of a PNG is read instead
is_deeply [ unpack 'x16 NN', get('/wide/plain.png/0,0,100,1/^17000,1/0/default.png')->content ], [ 17000, 1 ], '  PNG has more';

done_testing;
