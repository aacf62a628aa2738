# SPDX-License-Identifier: Apache-2.0
# HTTP: redirects, methods, validators, ranges, links, CORS, refusals, the public URL, and HTTP/2.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_start_error_log_watch t_finish_error_log_watch);
use IIIF::Client qw(ask get info dims_of raw h2);

my $ORIGIN = IIIF::Client::origin();
my $IMAGE  = '/iiif/plain.png/full/500,/0/default.jpg';
my $INFO   = '/iiif/plain.png/info.json';

# One of each status that the module answers with, or that httpd answers on its behalf.
my %ANSWERS = (
    200 => [ 'GET',  $IMAGE ],
    206 => [ 'GET',  $IMAGE, Range => 'bytes=0-9' ],
    303 => [ 'GET',  '/iiif/plain.png' ],
    304 => [ 'GET',  $IMAGE, 'If-None-Match' => '*' ],
    400 => [ 'GET',  '/iiif/plain.png/x/max/0/default.jpg' ],
    401 => [ 'GET',  '/guarded/private%2Fpicture.png/info.json' ],
    403 => [ 'GET',  '/guarded/protected%2Fpicture.png/info.json' ],
    404 => [ 'GET',  '/notfound/unknown/info.json' ],
    405 => [ 'POST', $IMAGE, 'x=y' ],
    412 => [ 'GET',  $IMAGE, 'If-Match' => '"other"' ],
    413 => [ 'GET',  '/too-large/plain.png/info.json' ],
    416 => [ 'GET',  $IMAGE, Range => 'bytes=9999999-' ],
    500 => [ 'GET',  '/names/damaged.png/info.json' ],
    501 => [ 'GET',  '/no-upscale/plain.png/full/%5Emax,/0/default.jpg' =~ s/max,/pct:120/r ],
);

# The values of a header, one for each field.
sub fields {
    my ($response, $name) = @_;
    return [ $response->headers->header($name) ];
}

# -- CORS: exactly one header, whatever the answer
for my $status (sort keys %ANSWERS) {
    my $response = ask(@{ $ANSWERS{$status} });
    is $response->code, $status, "$status: $ANSWERS{$status}[0] $ANSWERS{$status}[1]";
    is_deeply fields($response, 'Access-Control-Allow-Origin'), ['*'], '  may be read by every site';
    is_deeply fields($response, 'Access-Control-Expose-Headers'), ['Link, Content-Disposition'], '  links included';
}
is_deeply fields(get('/own-cors/plain/info.json'), 'Access-Control-Allow-Origin'), ['https://viewer.example.org'],
    'a rule of the site is kept';
{
    my $response = get('/own-errors/protected%2Fpicture.png/info.json');
    is $response->code . ' ' . $response->content, "403 the rest of httpd\n", 'a site has its own page for a refusal';
    is_deeply fields($response, 'Access-Control-Allow-Origin'), ['*'], '  which other sites may read too';
}
is_deeply fields(get('/front/unknown/info.json'), 'Access-Control-Allow-Origin'), [],
    'what is not ours is not opened to other sites';

# -- refusals: never kept as images are
for my $status (grep { $_ >= 400 } sort keys %ANSWERS) {
    my $response = ask(@{ $ANSWERS{$status} });
    unlike $response->header('Cache-Control') // '', qr/max-age/, "$status is not to be kept for a day";
    is $response->header('Expires'), undef, '  in the words of HTTP/1.0 neither';
}

# -- refusals of the module's own: one sentence, never cached, no validators of the image
my %HTTPD_SAYS = map { $_ => 1 } 401, 403, 412, 416;
for my $status (grep { $_ >= 400 && !$HTTPD_SAYS{$_} } sort keys %ANSWERS) {
    my $response = ask(@{ $ANSWERS{$status} });
    is $response->header('Content-Type'), 'text/plain; charset=utf-8', "$status is plain text";
    like $response->content, qr/\A[^\n<>]{10,}\n\z/, '  of one sentence';
    is $response->header('Cache-Control'), 'no-store', '  that is not cached';
    is $response->header('X-Content-Type-Options'), 'nosniff', '  and not sniffed';
    is join(' ', grep { defined $response->header($_) } qw(ETag Last-Modified Expires Link Content-Disposition Accept-Ranges)), '',
        '  without what belongs to an image';
    my $head = ask('HEAD', $ANSWERS{$status}[1]);
    next if $status == 405;
    is $head->code . ' ' . $head->content, "$status ", '  HEAD has the status and no body';
}
unlike get($ANSWERS{500}[1])->content, qr{/|damaged|vips|png}i, '500 tells nothing of the server';

# -- the base URI
for my $row ([ '/iiif/plain.png', '/iiif/plain.png' ], [ '/iiif/plain.png/', '/iiif/plain.png' ],
    [ '/iiif/2/plain.png', '/iiif/2/plain.png' ],
    [ '/names/sub%2Fdir%2ffile.png', '/names/sub%2Fdir%2ffile.png' ], [ '/names/lit%2541.png/', '/names/lit%2541.png' ],
    [ '/names/br[1]@.png', '/names/br%5B1%5D@.png' ]) {
    my ($path, $location) = @$row;
    my $response = get($path, Host => 'pictures.example.org:8080');
    is $response->code, 303, "$path redirects";
    like $response->header('Location'), qr{^http://[^/]+\Q$location\E/info\.json$}, '  to its info.json, spelled as the client did';
    is $response->content, '', '  without a body';
    is_deeply fields($response, 'Content-Type'), [], '  and thus without a type';
    is_deeply fields($response, 'ETag'), [], '  or an ETag';
    is dims_of_redirect($response), 'info', '  and info.json is there';
}

sub dims_of_redirect {
    my ($response) = @_;
    my ($path) = $response->header('Location') =~ m{^http://[^/]+(/.*)$};
    return get($path)->code == 200 ? 'info' : "nothing at $path";
}

# -- the public URL
sub id {
    my ($path, @headers) = @_;
    my ($base) = $path =~ m{^(.*)/info\.json$};
    my $json = info($base, @headers);
    return $json->{id} // $json->{'@id'};
}
my @FORWARDED = ('X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'pictures.example.org');
my @URLS = (
    [ '/base-url/a%20b.png',             [],         'https://images.example.org/base-url/a%20b.png' ],
    [ '/base-url/2/plain',               [],         'https://images.example.org/base-url/2/plain' ],
    [ '/base-url/plain',                 \@FORWARDED, 'https://images.example.org/base-url/plain' ],
    [ '/base-url-with-path/sub%2Fdir%2Ffile', [],    'https://images.example.org/pictures/sub%2Fdir%2Ffile' ],
    [ '/base-url-with-path/3/plain',     [],         'https://images.example.org/pictures/3/plain' ],
    [ '/proxied/plain',                  [],         "$ORIGIN/proxied/plain" ],
    [ '/proxied/plain',                  \@FORWARDED, 'https://pictures.example.org/proxied/plain' ],
    [ '/proxied/plain', [ 'X-Forwarded-Proto' => 'https, http', 'X-Forwarded-Host' => 'a.example:444, b.example' ],
        'http://b.example/proxied/plain' ],    # what the proxy added, not what its client sent
    [ '/proxied/plain', [ 'X-Forwarded-Host' => 'a.example' ], 'http://a.example/proxied/plain' ],
    [ '/proxied/plain', [ 'X-Forwarded-Proto' => 'https', Host => 'b.example' ], 'https://b.example/proxied/plain' ],
    [ '/proxied/plain', [ 'X-Forwarded-Host' => 'a"><script>', 'X-Forwarded-Proto' => 'javascript' ], "$ORIGIN/proxied/plain" ],
    [ '/other-proxy/plain',              \@FORWARDED, "$ORIGIN/other-proxy/plain" ],
    [ '/names/plain',                    \@FORWARDED, "$ORIGIN/names/plain" ],
);
for my $row (@URLS) {
    my ($path, $headers, $url) = @$row;
    is id("$path/info.json", @$headers), $url, "$path" . (@$headers ? " with @$headers" : '') . ' has its public URL';
    is get($path, @$headers)->header('Location'), "$url/info.json", '  in the redirect';
    like get("$path/full/max/0/default.png", @$headers)->header('Link'),
        qr{^<\Q$url\E/full/(max|full)/0/default\.png>;rel="canonical"}, '  and in the links';
}

# -- OPTIONS: a preflight is answered before authentication, and the same for all
for my $path ($IMAGE, $INFO, '/iiif/plain.png', '/guarded/private%2Fpicture.png/info.json',
    '/guarded/protected%2Fpicture.png/full/max/0/default.png',
    '/notfound/unknown/info.json') {
    my $response = ask('OPTIONS', $path, Origin => 'https://viewer.example.org', 'Access-Control-Request-Method' => 'GET',
        'Access-Control-Request-Headers' => 'authorization, x-custom');
    is $response->code, 204, "OPTIONS $path";
    is $response->content, '', '  has no body';
    is_deeply fields($response, 'Access-Control-Allow-Origin'), ['*'], '  allows every site';
    is_deeply fields($response, 'Access-Control-Allow-Methods'), ['GET, HEAD, OPTIONS'], '  to read';
    is_deeply fields($response, 'Access-Control-Allow-Headers'), ['authorization, x-custom'], '  with the headers it asks for';
    is_deeply fields($response, 'Access-Control-Max-Age'), ['86400'], '  for a day';
    is_deeply fields($response, 'Allow'), ['GET, HEAD, OPTIONS'], '  and says what is allowed';
    is_deeply fields($response, 'WWW-Authenticate'), [], '  without asking who it is';
    is join(' ', grep { defined $response->header($_) } qw(ETag Last-Modified Link Content-Type)), '',
        '  and without a word about the image';
}

# -- HEAD: the headers of GET, and nothing else
for my $path ($IMAGE, $INFO, '/iiif/plain.png', '/iiif/map.tif/full/max/0/default.png') {
    my ($get, $head) = (get($path), ask('HEAD', $path));
    is $head->code, $get->code, "HEAD $path";
    is $head->content, '', '  has no body';
    for my $name (qw(Content-Type ETag Last-Modified Link Location Vary)) {
        is $head->header($name) // 'none', $get->header($name) // 'none', "  and GET's $name";
    }
}

# -- other methods
for my $method (qw(POST PUT DELETE PATCH PROPFIND MKCOL BREW)) {
    for my $path ($IMAGE, $INFO, '/iiif/plain.png') {
        my $response = ask($method, $path, $method =~ /^P[OU]/ ? 'body' : ());
        is $response->code, 405, "$method $path is refused";
        is_deeply fields($response, 'Allow'), ['GET, HEAD, OPTIONS'], '  with what is allowed';
    }
}

# -- validators
for my $path ($IMAGE, $INFO, '/iiif/2/plain.png/info.json', '/iiif/plain.png/full/333,/0/default.webp') {
    my $first = ask('HEAD', $path);    # the image has never been rendered
    my ($etag, $modified) = map { $first->header($_) // '' } qw(ETag Last-Modified);
    like $etag, qr/^"[0-9a-f]{16}"$/, "$path has a strong ETag";
    like $modified, qr/ GMT$/, '  and a date';
    my @CONDITIONS = (
        [ 304, 'If-None-Match'     => $etag ],
        [ 304, 'If-None-Match'     => qq{"other", W/$etag} ],
        [ 304, 'If-None-Match'     => '*' ],
        [ 304, 'If-Modified-Since' => $modified ],
        [ 200, 'If-None-Match'     => '"other"' ],
        [ 200, 'If-None-Match'     => '"other"', 'If-Modified-Since' => $modified ],
        [ 200, 'If-Modified-Since' => 'Thu, 01 Jan 1998 00:00:00 GMT' ],
        [ 200, 'If-Match'          => $etag ],
        [ 412, 'If-Match'          => '"other"' ],
        [ 412, 'If-Unmodified-Since' => 'Thu, 01 Jan 1998 00:00:00 GMT' ],
    );
    for my $row (@CONDITIONS) {
        my ($status, @headers) = @$row;
        my $response = get($path, @headers);
        is $response->code, $status, "  @headers: $status";
        next unless $status == 304;
        is $response->content, '', '    without a body';
        is $response->header('ETag'), $etag, '    with the ETag';
    }
}
isnt get($INFO)->header('ETag'), get($INFO, Accept => 'application/json')->header('ETag'),
    'both variants of info.json have an ETag of their own';
isnt get('/look/plain/full/max/0/default.jpg')->header('ETag'), get('/names/plain/full/max/0/default.jpg')->header('ETag'),
    'a setting that changes the pixels changes the ETag';
is get('/names/by-content/full/max/0/default.png')->header('ETag'),
    get('/names/by%2Dcontent/full/max/0/default.png')->header('ETag'),
    'a spelling of the identifier does not';

# -- ranges
{
    my $whole = get($IMAGE)->content;
    my @RANGES = (
        [ 'bytes=0-9',    206, substr $whole, 0, 10 ],
        [ 'bytes=100-',   206, substr $whole, 100 ],
        [ 'bytes=-7',     206, substr $whole, -7 ],
        [ 'bytes=9999999-', 416, undef ],
    );
    is get($IMAGE)->header('Accept-Ranges'), 'bytes', 'ranges are offered';
    for my $row (@RANGES) {
        my ($range, $status, $bytes) = @$row;
        my $response = get($IMAGE, Range => $range);
        is $response->code, $status, "$range: $status";
        ok $response->content eq $bytes, '  with those bytes' if defined $bytes;
    }
    is get($IMAGE, Range => 'bytes=0-9', 'If-Range' => '"other"')->code, 200, 'If-Range of another image gives the whole';
    is get($IMAGE, Range => 'bytes=0-9', 'If-Range' => get($IMAGE)->header('ETag'))->code, 206, 'If-Range of this one does not';
}

# -- caching: mod_expires' day, and Vary where the answer depends on Accept
is get('/iiif/3/plain.png/full/max/0/default.png')->header('Cache-Control'), 'max-age=86400', 'an image is kept for a day';
my %VARY = (
    $INFO                                      => 'Accept',
    '/iiif/3/plain.png/info.json'              => 'Accept',
    '/iiif/2/plain.png/info.json'              => 'Accept',
    $IMAGE                                     => 'Accept',
    '/iiif/3/plain.png/full/max/0/default.jpg' => undef,
    '/iiif/2/plain.png/full/max/0/default.jpg' => undef,
    '/iiif/3/plain.png'                        => undef,
);
for my $path (sort keys %VARY) {
    is get($path)->header('Vary'), $VARY{$path}, "$path: Vary " . ($VARY{$path} // 'is absent');
}

# -- 4.8 (2.1: 4.7): canonical URIs; the image is 1000x800
my %CANONICAL = (
    3 => {
        'full/max/0/default.jpg' => [
            '0,0,1000,800/max/0/default.jpg', 'pct:0,0,100,100/max/0/default.jpg', 'full/1000,/0/default.jpg',
            'full/1000,800/0/default.jpg',
            'full/,800/0/default.jpg', 'full/pct:100/0/default.jpg', 'full/!1000,800/0/default.jpg',
            'full/!5000,5000/0/default.jpg',
            'full/%5E1000,/0/default.jpg', '0,0,9999,9999/max/0/default.jpg', 'full/max/360/default.jpg',
            'full/max/0.0/default.jpg',
            'full/max/0/color.jpg',
        ],
        'full/500,400/0/default.jpg' =>
            [ 'full/500,/0/default.jpg', 'full/,400/0/default.jpg', 'full/pct:50/0/default.jpg', 'full/!500,400/0/default.jpg',
                'full/!500,500/0/default.jpg',
            'full/^500,/0/default.jpg', 'full/^pct:50.0/0/default.jpg', 'full/^!500,500/0/default.jpg' ],
        'full/500,100/0/default.jpg'          => ['full/^500,100/0/default.jpg'],
        '900,700,100,100/max/0/default.jpg'   => ['900,700,500,500/max/0/default.jpg'],
        '100,0,800,800/max/0/default.jpg'     => [ 'square/max/0/default.jpg', 'pct:10,0,80,100/800,/0/default.jpg' ],
        'full/^max/0/default.jpg' =>
            [ 'full/^2000,/0/default.jpg', 'full/^pct:200/0/default.jpg', 'full/^!9999,9999/0/default.jpg' ],
        'full/^1500,1200/0/default.jpg' =>
            [ 'full/^1500,/0/default.jpg', 'full/^pct:150/0/default.jpg', 'full/%5E,1200/0/default.jpg' ],
        '0,0,80,60/max/22.5/default.png'      => [ '0,0,80,60/max/22.50/default.png', '0,0,80,60/max/022.5/default.png' ],
        '0,0,80,60/max/0.5/default.png'       => ['0,0,80,60/max/.5/default.png'],
        '0,0,80,60/max/!90/gray.png'          => ['0,0,80,60/80,/!90.0/gray.png'],
        '0,0,80,60/max/0/bitonal.png'         => ['0,0,80,60/pct:100/0/bitonal.png'],
    },
    2 => {
        'full/full/0/default.jpg' => [
            '0,0,1000,800/full/0/default.jpg', 'full/max/0/default.jpg', 'full/1000,/0/default.jpg', 'full/1000,800/0/default.jpg',
            'pct:0,0,100,100/pct:100/0/default.jpg', 'full/!1000,800/0/default.jpg', 'full/max/0/color.jpg',
        ],
        'full/500,/0/default.jpg' => [
            'full/500,400/0/default.jpg', 'full/,400/0/default.jpg', 'full/pct:50/0/default.jpg', 'full/!500,400/0/default.jpg',
        ],
        'full/500,100/0/default.jpg'        => ['full/500,100/360/default.jpg'],
        'full/500,401/0/default.jpg'        => ['0,0,1000,800/500,401/0/default.jpg'],
        '900,700,100,100/full/0/default.jpg' => ['900,700,500,500/full/0/default.jpg'],
        'full/2000,/0/default.jpg'          => [ 'full/2000,1600/0/default.jpg', 'full/pct:200/0/default.jpg' ],
        '0,0,80,60/full/22.5/default.png'   => ['0,0,80,60/full/22.50/default.png'],
    },
);
sub canonical_of {
    my ($response) = @_;
    my ($uri) = ($response->header('Link') // '') =~ /^<([^>]*)>;rel="canonical"/;
    return $uri // 'none';
}
my %etags;
for my $version (sort keys %CANONICAL) {
    my $base = "/iiif/$version/plain.png";
    for my $canonical (sort keys %{ $CANONICAL{$version} }) {
        my $uri = "$ORIGIN$base/$canonical";
        my $own = get("$base/$canonical");
        is canonical_of($own), $uri, "$version: $canonical is its own canonical URI";
        is scalar(@{ fields($own, 'Link') }), 1, '  in the one Link field';
        like $own->header('Link'), qr{, <http://iiif\.io/api/image/$version/level2\.json>;rel="profile"$}, '  beside the profile';
        for my $parameters (@{ $CANONICAL{$version}{$canonical} }) {
            my $response = get("$base/$parameters");
            is canonical_of($response), $uri, "  and that of $parameters";
            is $response->header('ETag'), $own->header('ETag'), '    with its ETag';
            ok $response->content eq $own->content, '    and its bytes';
        }
        is $etags{ $own->header('ETag') }++, 0, '  and no other image has its ETag' if $version == 3;
    }
}
is get('/iiif/2/plain.png/full/500,/0/default.jpg')->header('ETag'),
    get('/iiif/3/plain.png/full/500,400/0/default.jpg')->header('ETag'),
    'the same pixels in both versions have one ETag';
is canonical_of(get('/names/semi;colon.png/full/max/0/default.png')), "$ORIGIN/names/semi%3Bcolon.png/full/max/0/default.png",
    '";" is escaped in a link, where parsers stop at it';
is canonical_of(get('/names/br[1]@.png/full/max/0/default.png')), "$ORIGIN/names/br%5B1%5D\@.png/full/max/0/default.png",
    'brackets are too';
is canonical_of(get('/names/sub%2Fdir%2Ffile/full/max/0/default.png')), "$ORIGIN/names/sub%2Fdir%2Ffile/full/max/0/default.png",
    '%2F stays';

# -- other modules: what the source's name says to mod_mime is not about the answer; compression
for my $path ('/names/mime%2Fpicture.gz.en.html.png/info.json', '/names/mime%2Fpicture.gz.en.html.png/full/max/0/default.png') {
    my $response = get($path);
    is $response->code, 200, "$path is ours";
    is_deeply [ map { $response->header($_) } qw(Content-Encoding Content-Language) ], [], '  and is neither compressed nor English';
    unlike $response->header('Content-Type'), qr/html|utf-8/, '  nor HTML';
}
{
    my $response = get('/deflated/plain/info.json', 'Accept-Encoding' => 'gzip');
    is $response->header('Content-Encoding'), 'gzip', 'info.json can be compressed';
    like $response->decoded_content(charset => 'none'), qr/"width":\s*41/, '  and is what it was';
    is join(',', sort map { split /, */ } @{ fields($response, 'Vary') }), 'Accept,Accept-Encoding',
        '  for those who asked for that';
    is get('/deflated/plain/full/max/0/default.png', 'Accept-Encoding' => 'gzip')->header('Content-Encoding'), undef,
        'images are not compressed';
}

# -- a name to save under
is get('/names/sub%2Fdir%2Ffile/0,0,9,9/max/0/default.png')->header('Content-Disposition'),
    'inline; filename="sub_dir_file_0,0,9,9_max_0_default.png"',
    'Content-Disposition names identifier and parameters';
like get('/names/quote%22%3C%26%3E.png/full/max/0/default.png')->header('Content-Disposition'),
    qr/^inline; filename="[\w.,-]+"$/, '  and nothing breaks out of it';

# -- the log: once, with an id, at error only what is ours to mend
my @LOGGED = (
    [ 400, 'iiif_image:info',  qr/IIIF0003: plain\.png: region 'x' / ],
    [ 404, 'iiif_image:info',  qr/IIIF0003: / ],
    [ 405, 'iiif_image:info',  qr/IIIF0004: .*method POST is not answered/ ],
    [ 413, 'iiif_image:info',  qr/IIIF0003: plain\.png: / ],
    [ 500, 'iiif_image:error', qr/IIIF0002: damaged\.png: / ],
    [ 501, 'iiif_image:info',  qr/IIIF0003: plain\.png: upscaling / ],
    [ 200, undef,              undef ],
    [ 303, undef,              undef ],
    [ 304, undef,              undef ],
);
for my $row (@LOGGED) {
    my ($status, $level, $line) = @$row;
    t_start_error_log_watch();
    ask(@{ $ANSWERS{$status} });
    my @lines = grep { /\[iiif_image:/ } t_finish_error_log_watch();
    is scalar @lines, defined $level ? 1 : 0, "$status is logged " . (defined $level ? 'once' : 'not at all');
    next unless defined $level;
    like $lines[0], qr/\[\Q$level\E\].*$line/, '  at its level, with its id';
}

# -- HTTP/2: the same answers
for my $row ([ '/iiif/plain.png/full/^max/0/default.jpg', '2000x1600' ],
    [ '/iiif/plain.png/full/%5Emax/0/default.jpg', '2000x1600' ],
    [ '/names/sub%2Fdir%2Ffile.png/full/max/0/default.png', dims_of(get('/names/sub%2Fdir%2Ffile.png/full/max/0/default.png')) ],
    [ '/names/br[1]@.png/full/max/0/default.png', dims_of(get('/names/br[1]@.png/full/max/0/default.png')) ]) {
    my ($path, $dims) = @$row;
    my $response = h2($path);
    is $response->protocol, 'HTTP/2', "h2 $path";
    is dims_of($response), $dims, '  is the image';
    is $response->header('ETag'), get($path)->header('ETag'), '  with the ETag it has over HTTP/1.1';
    is canonical_of($response), canonical_of(get($path)), '  and the links';
}
for my $status (grep { $_ != 405 } sort keys %ANSWERS) {
    my (undef, $path, %headers) = @{ $ANSWERS{$status} };
    is h2($path, map { (-H => "$_: $headers{$_}") } sort keys %headers)->code, $status, "h2 $status: $path";
}
is h2('/names/lit%2541.png')->header('Location'), "$ORIGIN/names/lit%2541.png/info.json",
    'h2: the redirect spells the identifier as the client does';
is h2($IMAGE, '--head')->code, 200, 'h2: HEAD';
is h2($IMAGE, '-X', 'OPTIONS')->code, 204, 'h2: OPTIONS';
# without a body: httpd resets the stream of one now and then, of a static file's POST too
is h2($IMAGE, '-X', 'POST')->code, 405, 'h2: POST';

# -- HTTP/1.0 and pipelining
like raw("GET $INFO HTTP/1.0\r\n\r\n"), qr{^HTTP/1\.1 200.*"width":\s*1000}s, 'HTTP/1.0 without a Host';
my $pipelined = raw("POST $IMAGE HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nx=y&z"
        . "GET $INFO HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
is join(' ', $pipelined =~ m{^HTTP/1\.1 (\d+)}mg), '405 200', "a refused request's body is not taken for the next request";

done_testing;
