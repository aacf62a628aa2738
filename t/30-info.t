# SPDX-License-Identifier: Apache-2.0
# info.json: every member, in both versions; which of them a client gets; what a site adds.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Client qw(get info dims_of);
use JSON::PP ();

my $ORIGIN = IIIF::Client::origin();
my $LD_3   = 'application/ld+json;profile="http://iiif.io/api/image/3/context.json"';
my ($true, $null) = (JSON::PP::true, undef);

# -- 3.0, 5: the whole document
is_deeply info('/iiif/3/plain.png'), {
    '@context'     => 'http://iiif.io/api/image/3/context.json',
    id             => "$ORIGIN/iiif/3/plain.png",
    type           => 'ImageService3',
    protocol       => 'http://iiif.io/api/image',
    profile        => 'level2',
    width          => 1000,
    height         => 800,
    maxWidth       => 2000,
    maxHeight      => 1600,
    sizes          => [ { width => 500, height => 400 }, { width => 1000, height => 800 } ],
    tiles          => [ { width => 512, height => 512, scaleFactors => [ 1, 2 ] } ],
    extraFormats   => formats(),
    extraQualities => [qw(color gray bitonal)],
    extraFeatures  => [qw(canonicalLinkHeader mirroring profileLinkHeader rotationArbitrary sizeUpscaling)],
}, 'version 3: the whole document';

# -- 2.1, 5
is_deeply info('/iiif/2/plain.png'), {
    '@context' => 'http://iiif.io/api/image/2/context.json',
    '@id'      => "$ORIGIN/iiif/2/plain.png",
    '@type'    => 'iiif:Image',
    protocol   => 'http://iiif.io/api/image',
    width      => 1000,
    height     => 800,
    sizes      => [ { width => 500, height => 400 }, { width => 1000, height => 800 } ],
    tiles      => [ { width => 512, scaleFactors => [ 1, 2 ] } ],
    profile    => [
        'http://iiif.io/api/image/2/level2.json',
        {
            formats   => formats(),
            qualities => [qw(color gray bitonal)],
            supports  => [qw(canonicalLinkHeader mirroring profileLinkHeader regionSquare rotationArbitrary sizeAboveFull)],
            maxWidth  => 2000,
            maxHeight => 1600,
        },
    ],
}, 'version 2: the whole document';

# Beyond level 2; AVIF and JPEG XL where libvips was built with them.
sub formats {
    my %built = map { $_ => 1 } @{ info('/iiif/3/plain.png')->{extraFormats} };
    return [ qw(tif gif webp jp2 pdf), grep { $built{$_} } qw(avif jxl) ];
}
like get('/iiif/plain.png/info.json')->content, qr/\A\{\s*"\@context"/, '@context is the first key (5.2)';
like get('/iiif/2/plain.png/info.json')->content, qr/\A\{\s*"\@context"/, '  in version 2 too';
is_deeply [ sort grep { /^(?:license|attribution|logo)$/ } keys %{ info('/described/3/plain') } ], [],
    'version 3 has no license, attribution, logo';
is_deeply info('/iiif/3/gray.jpg')->{extraQualities}, [qw(gray bitonal)], 'a gray image has no quality "color" (4.4)';
is_deeply info('/iiif/2/gray.jpg')->{profile}[1]{qualities}, [qw(gray bitonal)], '  in version 2 neither';
is get("/iiif/$_/gray.jpg/0,0,9,9/max/0/color.jpg")->code, 200, "  but to ask for it is no error in version $_" for 2, 3;

# Whatever is announced works.
for my $version (2, 3) {
    my $info = info("/iiif/$version/plain.png");
    my $profile = $version == 2 ? $info->{profile}[1] : {};
    for my $format (@{ $info->{extraFormats} // $profile->{formats} }) {
        is get("/iiif/$version/plain.png/0,0,9,9/max/0/default.$format")->code, 200, "version $version: format $format is served";
    }
    for my $quality (@{ $info->{extraQualities} // $profile->{qualities} }) {
        is dims_of(get("/iiif/$version/plain.png/0,0,9,9/max/0/$quality.png")), '9x9',
            "version $version: quality $quality is served";
    }
}

# -- sizes and tiles: level k is ceil(full / 2^k), and one more level than fits into a tile
my @PYRAMIDS = (
    [ '/tiles-256/plain.png', 1000, 800, [ 1, 2, 4 ] ],
    [ '/iiif/plain.png',      1000, 800, [ 1, 2 ] ],
    [ '/described/plain',     41,   33,  [1] ],
    [ '/described/x.png',     undef, undef, undef ],
    [ '/iiif/map.tif',        undef, undef, undef ],
);
for my $row (@PYRAMIDS) {
    my ($base, $width, $height, $factors) = @$row;
    my $info = info($base);
    my $tile = $info->{tiles}[0];
    my @factors = @{ $tile->{scaleFactors} };

    is_deeply [ @$info{qw(width height)} ], [ $width, $height ], "$base: width and height" if $width;
    is_deeply \@factors, $factors, "$base: scaleFactors" if $factors;
    is_deeply $info->{sizes},
        [ reverse map { { width => ceil($info->{width}, $_), height => ceil($info->{height}, $_) } } @factors ],
            "$base: sizes are the levels, rounded up";
    my $last = $info->{sizes}[0];
    ok $last->{width} <= $tile->{width} && $last->{height} <= $tile->{height}, '  down to one tile';
    for my $factor (@factors) {
        edge_tile($base, $info, $factor);
    }
}

sub ceil {
    my ($n, $by) = @_;
    return int(($n + $by - 1) / $by);
}

# The tile in the bottom right corner, as viewers compute it.
sub edge_tile {
    my ($base, $info, $factor) = @_;
    my $tile = $info->{tiles}[0];
    my ($x, $y) = map { my ($full, $step) = @$_; int(($full - 1) / $step) * $step }
        [ $info->{width}, $tile->{width} * $factor ], [ $info->{height}, $tile->{height} * $factor ];
    my ($w, $h) = ($info->{width} - $x, $info->{height} - $y);
    my ($tw, $th) = (ceil($w, $factor), ceil($h, $factor));

    is dims_of(get("$base/$x,$y,$w,$h/$tw,$th/0/default.jpg")), "${tw}x${th}", "$base: the last tile at 1:$factor";
    like dims_of(get("$base/$x,$y,$w,$h/$tw,/0/default.jpg")), qr/^${tw}x\d+$/, '  and as "w,"';
    return;
}

# -- 5.1: the media type, by version and Accept
my $BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
my @NEGOTIATED = (
    # Accept                                                version 3    version 2
    [ undef,                                                 $LD_3,       'application/json' ],
    [ '*/*',                                                 $LD_3,       'application/json' ],
    [ '',                                                    $LD_3,       'application/json' ],
    [ $BROWSER,                                              $LD_3,       'application/json' ],
    [ 'application/*',                                       $LD_3,       'application/json' ],
    [ 'text/html',                                           $LD_3,       'application/json' ],
    [ 'application/ld+json',                                 $LD_3,       'application/ld+json' ],
    [ 'APPLICATION/LD+JSON',                                 $LD_3,       'application/ld+json' ],
    [ 'application/json',                                    'application/json', 'application/json' ],
    [ 'application/json, */*;q=0.1',                         'application/json', 'application/json' ],
    [ 'application/json;q=0.5, application/ld+json',         $LD_3,       'application/ld+json' ],
    [ 'application/ld+json;q=0.1, application/json',         'application/json', 'application/json' ],
    [ 'application/ld+json;q=0.9,application/json;q=0.5',    $LD_3,       'application/ld+json' ],
    [ 'application/ld+json;q=0.301, application/json;q=0.302', 'application/json', 'application/json' ],
    [ 'application/ld+json;q=0, application/json',           'application/json', 'application/json' ],
    [ 'application/ld+json;q=0, */*',                        'application/json', 'application/json' ],
    [ 'application/json;q=0, */*',                           $LD_3,       undef ],
    [ 'application/json ; q=1.0 , application/ld+json ; q=0.2', 'application/json', 'application/json' ],
);
for my $row (@NEGOTIATED) {
    my ($accept, @types) = @$row;
    for my $version (3, 2) {
        my $type = shift @types;
        next unless defined $type;
        my $response = get("/iiif/$version/plain.png/info.json", defined $accept ? (Accept => $accept) : ());
        my $name = "version $version, Accept: " . ($accept // 'absent');
        is $response->header('Content-Type'), $type, $name;
        is $response->header('Vary'), 'Accept', '  which the answer depends on';
        my $link = qq{<http://iiif.io/api/image/$version/context.json>;}
            . 'rel="http://www.w3.org/ns/json-ld#context";type="application/ld+json"';
        my $context = $response->header('Link') =~ /\Q$link\E/;
        is $context ? 'linked' : 'not linked', $type eq 'application/json' ? 'linked' : 'not linked',
            '  plain JSON links its context, JSON-LD does not';
        like $response->header('Link'), qr{<http://iiif\.io/api/image/$version/level2\.json>;rel="profile"}, '  and the profile';
        is scalar(my @fields = $response->headers->header('Link')), 1, '  in one field';
    }
}
# the version, where the URI names none
for my $row ([ 'application/ld+json;profile="http://iiif.io/api/image/2/context.json"', 2 ],
    [ 'application/ld+json;profile="http://iiif.io/api/image/3/context.json"', 3 ],
    [ 'application/ld+json;profile=http://iiif.io/api/image/2/context.json', 2 ],
    [ 'application/ld+json;profile="http://iiif.io/api/image/2/context.json";q=0.5, '
            . 'application/ld+json;profile="http://iiif.io/api/image/3/context.json"', 3 ],
    [ 'application/ld+json;q=0;profile="http://iiif.io/api/image/2/context.json"', 3 ],
    [ 'application/ld+json;profile="http://example.org/; http://iiif.io/"', 3 ],
    [ $BROWSER, 3 ]) {
    my ($accept, $version) = @$row;
    is info('/iiif/plain.png', Accept => $accept)->{'@context'}, "http://iiif.io/api/image/$version/context.json",
        "Accept: $accept is version $version";
}

# -- what a site says
my $described = info('/described/3/a%20b.png');
is $described->{rights}, 'http://creativecommons.org/licenses/by/4.0/', 'version 3: rights';
is_deeply $described->{partOf},
    [ { id => 'https://example.org/manifest/a%20b.png', type => 'Manifest', label => { none => ['The book'] } },
    { id => 'https://example.org/collection', type => 'Collection' } ], '  partOf';
is_deeply $described->{seeAlso}, [
    { id => 'https://example.org/mets/a%20b.png.xml', type => 'Dataset', label => { none => ['METS'] }, format => 'text/xml',
        profile => 'http://www.loc.gov/METS/' },
    { id => 'https://example.org/about', type => 'Text' },
], '  seeAlso';
is_deeply $described->{service}, [
    { '@id' => 'https://example.org/login', '@type' => 'AuthCookieService1', profile => 'http://iiif.io/api/auth/1/login' },
    { id => 'https://example.org/search/a%20b.png', type => 'SearchService2' },
], '  service; those of the first generation keep @id and @type (5.8)';
$described = info('/described/2/a%20b.png');
is $described->{license}, 'http://creativecommons.org/licenses/by/4.0/', 'version 2: license';
is $described->{attribution}, 'Provided by Example Library', '  attribution';
is $described->{logo}, 'https://example.org/logo.png', '  logo';
is_deeply $described->{service}, [
    { '@id' => 'https://example.org/login', '@type' => 'AuthCookieService1', profile => 'http://iiif.io/api/auth/1/login' },
    { '@id' => 'https://example.org/search/a%20b.png', '@type' => 'SearchService2' },
], '  service';
is_deeply [ grep { exists $described->{$_} } qw(rights partOf seeAlso type id) ], [], '  and nothing of version 3';
my $otherwise = info('/described/described-otherwise/3/plain');
is $otherwise->{rights}, 'http://rightsstatements.org/vocab/InC/1.0/', 'a section inside has its own rights';
is scalar @{ $otherwise->{partOf} }, 2, '  and what it does not set comes from outside';

# -- a merged file
my $merged = info('/merged/3/plain');
is_deeply $merged->{'@context'}, [ 'http://example.org/extension/1/context.json', 'http://iiif.io/api/image/3/context.json' ],
    'merged: the IIIF context is the last, once';
is_deeply $merged->{preferredFormats}, [qw(webp jpg)], '  preferredFormats';
is $merged->{service}[0]{physicalScale}, 0.0025, '  a service';
is_deeply $merged->{extension}, { made => [ 1, 2.5, $null, $true, "\x{65e5}\x{672c}" ] }, '  an extension';
is $merged->{id}, "$ORIGIN/merged/3/plain", '  the id is the image, whatever the file says';
is $merged->{width}, 41, '  the width too';
is $merged->{attribution}, undef, '  and attribution is of version 2';
$merged = info('/merged/2/plain');
is $merged->{'@context'}, 'http://iiif.io/api/image/2/context.json', 'merged, version 2: one context';
is $merged->{attribution}, 'merged attribution', '  the file wins';
is_deeply [ grep { exists $merged->{$_} } qw(id preferredFormats) ], [], '  without members of version 3';

# -- every spelling, and both versions, of what may stand in an identifier is valid JSON
for my $identifier ('quote%22%3C%26%3E.png', '%E6%97%A5%E6%9C%AC', "gr\xc3\xb6\xc3\x9fe.jpg") {
    like info("/names/$identifier")->{id}, qr{^[!-~]+$}, "$identifier: the id is a URI";
}

done_testing;
