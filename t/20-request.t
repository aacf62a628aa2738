# SPDX-License-Identifier: Apache-2.0
# Which URIs are ours, which file they name, and who answers the others. AllowEncodedSlashes is at
# its default, "Off".
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::PrivateHttpd ();
use IIIF::Client qw(get info dims_of dims_of_file answered_by raw);

my $NAMES = 'apxs-build/fixtures/access/images';
my $FULL  = 'full/max/0/default.png';

# -- identifiers: each names one file, in every request. Image::Magick reads the file itself, and no
# -- two have the same size.
my @IDENTIFIERS = (
    [ '2',                                '2' ],
    [ '3',                                '3' ],
    [ 'full',                             'full' ],
    [ 'info.json',                        'info.json' ],
    [ 'info.json.png',                    'info.json.png' ],
    [ 'info%2Ejson%2Epng',                'info.json.png' ],
    [ 'two..dots.png',                    'two..dots.png' ],
    [ 'two%2E%2Edots.png',                'two..dots.png' ],
    [ '...png',                           '...png' ],
    [ 'a%20b.png',                        'a b.png' ],
    [ 'a+b.png',                          'a+b.png' ],
    [ 'a%2Bb.png',                        'a+b.png' ],
    [ 'lit%2541.png',                     'lit%41.png' ],
    [ 'lit%41.png',                       'litA.png' ],
    [ 'hash%23tag.png',                   'hash#tag.png' ],
    [ 'q%3Fmark.png',                     'q?mark.png' ],
    [ 'semi;colon.png',                   'semi;colon.png' ],
    [ 'semi%3Bcolon.png',                 'semi;colon.png' ],
    [ 'quote%22%3C%26%3E.png',            'quote"<&>.png' ],
    [ 'br%5B1%5D%40.png',                 'br[1]@.png' ],
    [ 'br%5b1%5d@.png',                   'br[1]@.png' ],
    [ 'br[1]@.png',                       'br[1]@.png' ],
    [ 'ark:%252F12148%252Fbtv1b.png',     'ark:%2F12148%2Fbtv1b.png' ],
    [ 'ark%3A%252F12148%252Fbtv1b.png',   'ark:%2F12148%2Fbtv1b.png' ],
    [ 'gr%C3%B6%C3%9Fe.jpg',              "gr\xc3\xb6\xc3\x9fe.jpg" ],
    [ "gr\xc3\xb6\xc3\x9fe.jpg",          "gr\xc3\xb6\xc3\x9fe.jpg" ],
    [ '%E6%97%A5%E6%9C%AC.png',           "\xe6\x97\xa5\xe6\x9c\xac.png" ],
    [ '%e6%97%a5%e6%9c%ac',               "\xe6\x97\xa5\xe6\x9c\xac.png" ],
    [ '%F0%9F%97%BA.png',                 "\xf0\x9f\x97\xba.png" ],
    [ 'plain.png',                        'plain.png' ],
    [ 'plain',                            'plain.png' ],
    [ '%70l%61in%2Epng',                  'plain.png' ],
    [ 'by-content',                       'by-content' ],
    [ 'by%2Dcontent',                     'by-content' ],
    [ 'wrong-extension.dat',              'wrong-extension.dat' ],
    [ 'UPPER',                            'UPPER.JPG' ],
    [ 'UPPER.JPG',                        'UPPER.JPG' ],
    [ 'Mixed.Png',                        'Mixed.Png' ],
    [ 'x.png',                            'x.png' ],
    [ 'x.tif',                            'x.tif' ],
    [ '.hidden.png',                      '.hidden.png' ],
    [ 'sub%2Fdir%2Ffile.png',             'sub/dir/file.png' ],
    [ 'sub%2fdir%2ffile.png',             'sub/dir/file.png' ],
    [ 'sub/dir/file.png',                 'sub/dir/file.png' ],
    [ 'sub/dir%2Ffile',                   'sub/dir/file.png' ],
    [ 'sub%2F2%2Ffile.png',               'sub/2/file.png' ],
    [ 'a%2Ffull%2Fmax%2F0%2Fdefault.png', 'a/full/max/0/default.png' ],
    [ ('n' x 251) . '.png',               ('n' x 251) . '.png' ],
    [ 'n' x 251,                          ('n' x 251) . '.png' ],
);

# The identifier as documents spell it: as the client did, what no URI may hold escaped.
sub spelled {
    my ($identifier) = @_;
    $identifier =~ s/([^A-Za-z0-9\-._~!\$&'()*+,;=:\@\/%])/sprintf '%%%02X', ord $1/ge;
    return $identifier;
}

for my $row (@IDENTIFIERS) {
    my ($identifier, $file) = @$row;
    my $shown = length $identifier > 60 ? substr($identifier, 0, 60) . '...' : $identifier;
    my $dims = dims_of_file("$NAMES/$file");
    my $id = IIIF::Client::origin() . '/names/' . spelled($identifier);

    is dims_of(get("/names/$identifier/$FULL")), $dims, "$shown is the file it names";
    my $json = info("/names/$identifier");
    is join('x', map { $_ // '?' } @$json{qw(width height)}), $dims, '  in info.json';
    is $json->{id}, $id, '  which spells the identifier as the client does';
    my $redirect = get("/names/$identifier");
    is $redirect->code . ' ' . ($redirect->header('Location') // ''), "303 $id/info.json", '  and the base URI leads there';
}

# -- the same file under a version, a <Location> and a longer prefix
my %SAME = (
    "/names/3/2/info.json"         => '2',
    "/names/2/2/info.json"         => '2',
    "/names/2/3/info.json"         => '3',
    "/names/2/info.json"           => '2',
    "/names/3/info.json"           => '3',
    "/names/2/info.json/info.json" => 'info.json',
    "/names/full/info.json"        => 'full',
    "/names/3/full/info.json"      => 'full',
    "/in/location/plain/info.json" => 'plain.png',
    "/in/location/2/plain/info.json" => 'plain.png',
    "/names/other/plain/info.json" => '../other/plain.png',
    "/names/other/2/plain/info.json" => '../other/plain.png',
);
for my $path (sort keys %SAME) {
    my $json = info($path =~ s{/info\.json$}{}r);
    is join('x', map { $_ // '?' } @$json{qw(width height)}), dims_of_file("$NAMES/$SAME{$path}"), "$path is $SAME{$path}";
}

# -- encoded parameters, queries, and what clients send raw
my @SAME_ANSWER = (
    [ "/names/plain/full/max/0/default%2Epng",            '41x33' ],
    [ "/names/plain/%66ull/m%61x/%30/d%65fault.png",      '41x33' ],
    [ "/names/plain/0%2C0%2C9%2C9/max/0/default.png",     '9x9' ],
    [ "/names/plain/0%2c0%2c9%2c9/max/0/default.png",     '9x9' ],
    [ "/names/plain/full/pct%3A50/0/default.png",         '21x17' ],
    [ "/names/plain/full/%5Emax/0/default.png",           '82x66' ],
    [ "/names/plain/full/%5emax/0/default.png",           '82x66' ],
    [ "/names/plain/full/^max/0/default.png",             '82x66' ],
    [ "/names/plain/full/max/%2190/default.png",          '33x41' ],
    [ "/names/plain/full/max/0/default.png?x=1&y=/%2F%zz", '41x33' ],
    [ "/names/plain/full/max/0/default.png?",             '41x33' ],
    [ "/names/plain/full/max/0/default.png?a?b",          '41x33' ],
    [ "//names/plain/full/max/0/default.png",             '41x33' ],
    [ "/names//plain/full/max/0/default.png",             '41x33' ],
    [ "/names/./plain/full/max/0/default.png",            '41x33' ],
    [ "/names/sub/../plain/full/max/0/default.png",       '41x33' ],
    [ "/x/../names/plain/full/max/0/default.png",         '41x33' ],
    [ "/n%61mes/plain/full/max/0/default.png",            '41x33' ],
    [ IIIF::Client::origin() . "/names/plain/full/max/0/default.png", '41x33' ],
);
for my $row (@SAME_ANSWER) {
    my ($target, $dims) = @$row;
    is dims_of(get($target)), $dims, "$target";
}

# -- not ours: the front controller answers, as if the module were not loaded
my @DECLINED = (
    '', '/', '/unknown', '/unknown/', '/unknown/info.json', "/unknown/$FULL", '/note.txt', '/note.txt/info.json',
    "/note.txt/$FULL", '/note/info.json', '/x/info.json', "/x/$FULL", '/plain.PNG/info.json', '/PLAIN/info.json',
    '/sub', '/sub/dir', '/sub/dir/info.json', '/plain/manifest.json', '/plain/info', '/plain/info.jsonx', '/plain/INFO.JSON',
    '/plain/full', '/plain/full/max', '/plain/full/max/0', '/plain/a/b/c/d', "/plain/extra/$FULL", '/1/plain/info.json',
    '/4/plain/info.json', '/v2/plain/info.json', '/3', '/plain.png.png/info.json', '/dangling/info.json', '/upper/info.json',
    '/a/b/full/max/0/default.jpg', '/manifest/plain', '/[frob]/full/max/0/default.jpg',
);
for my $path (grep { $_ ne '/3' } @DECLINED) {
    is answered_by(get("/front$path")), 'front controller', "/front$path is left to the rest of httpd";
}

# What httpd itself refuses before any rewriting; a separator MUST NOT be encoded.
for my $path ('plain%2Finfo.json', "plain/full%2Fmax/0/default.png", 'plain%2F' . $FULL =~ s{/}{%2F}gr,
    'plain%2Ffull/max/0/default.png',
    'un%2Fknown/info.json', 'un%2Fknown', "un%2Fknown/$FULL") {
    my $response = get("/front/$path");
    is $response->code . ' ' . answered_by($response), '404 httpd', "/front/$path is no URI of ours";
}

# -- an unknown identifier is found missing before a parameter is found wrong
for my $path ("/unknown/$FULL", '/unknown/info.json', '/unknown', '/unknown/x/x/x/x.x', '/unknown/full/full/0/default.xyz',
    '/a/b/full/max/0/default.jpg', '/[frob]/full/max/0/default.jpg') {
    is get("/names$path")->code, 404, "/names$path is 404";
    my $own = get("/notfound$path");
    is $own->code . ' ' . answered_by($own), '404 iiif notfound', '  and the module says so itself with IIIFFallback notfound';
}
for my $path ('plain%2Finfo.json', 'un%2Fknown/info.json', 'plain%2Ffull/max/0/default.png') {
    my $own = get("/notfound/$path");
    is $own->code . ' ' . answered_by($own), '404 iiif notfound', "/notfound/$path too";
}
for my $path ('', '/', '/plain/manifest.json', '/plain/full/max/0', '/note.txt') {
    my $own = get("/notfound$path");
    is $own->code . ' ' . answered_by($own), '404 iiif notfound', "/notfound$path too";
}

# -- a slip in a parameter of a known image is ours to complain about
for my $path ('full/max/0/default.xyz', 'full/max/0/default', 'full/max/0/', 'full/max/x/default.jpg', 'full/x/x/default.jpg',
    'x/max/0/default.jpg',
    'full/<>/0/default.jpg', 'full/max/0/`:;=@.jpg') {
    my $response = get("/names/plain/$path");
    is $response->code . ' ' . answered_by($response), '400 iiif image', "/names/plain/$path is 400";
}

# -- the base URI: with a slash behind it too, and never back to itself
for my $base ('/names/plain', '/names/plain/', '/names/3/plain', '/names/3/plain/', '/names/plain?x', '/names/plain/?x') {
    my $response = get($base);
    my ($path) = $base =~ m{^(.*?)/?(?:\?.*)?$};
    is $response->code, 303, "$base redirects";
    is $response->header('Location'), IIIF::Client::origin() . "$path/info.json", '  to its info.json';
}

# -- versions
my @VERSIONS = (
    # root       version in the path    Accept's profile    answered as
    [ '/names',     '',   '',  3 ],
    [ '/names',     '/2', '',  2 ],
    [ '/names',     '/3', '',  3 ],
    [ '/names',     '',   2,   2 ],
    [ '/names',     '',   3,   3 ],
    [ '/names',     '/2', 3,   2 ],
    [ '/names',     '/3', 2,   3 ],
    [ '/two-three', '',   '',  2 ],
    [ '/two-three', '',   3,   3 ],
    [ '/two-three', '/3', '',  3 ],
    [ '/two',       '',   '',  2 ],
    [ '/two',       '',   3,   2 ],
    [ '/two',       '/2', '',  2 ],
    [ '/three',     '',   2,   3 ],
);
for my $row (@VERSIONS) {
    my ($root, $in_path, $accepted, $version) = @$row;
    my @accept = $accepted ? (Accept => qq{application/ld+json;profile="http://iiif.io/api/image/$accepted/context.json"}) : ();
    my $json = info("$root$in_path/plain", @accept);

    is $json->{'@context'}, "http://iiif.io/api/image/$version/context.json",
        "$root$in_path" . ($accepted ? " for a client of version $accepted" : '') . " speaks $version";
    is $json->{id} // $json->{'@id'}, IIIF::Client::origin() . "$root$in_path/plain", '  under the URI that was asked for';
    my ($profile) = get("$root$in_path/plain/full/max/0/default.png", @accept)->header('Link') =~ m{<([^>]*)>;rel="profile"};
    is $profile, "http://iiif.io/api/image/$version/level2.json", '  and the images agree';
}
for my $path ('/two/3/plain/info.json', '/three/2/plain/info.json', '/two/3/plain', "/two/3/plain/$FULL") {
    is get($path)->code, 404, "$path: a version that is switched off is no URI of ours";
}
# where the URI names no version, the other one's grammar is tried
for my $row ([ '/names/plain/full/full/0/default.png', '41x33' ], [ '/two-three/plain/full/^max/0/default.png', '82x66' ]) {
    is dims_of(get($row->[0])), $row->[1], "$row->[0] is read by the version that has such a size";
}
for my $path ('/names/3/plain/full/full/0/default.png', '/names/2/plain/full/^max/0/default.png',
    '/three/plain/full/full/0/default.png',
    '/two/plain/full/^max/0/default.png') {
    is get($path)->code, 400, "$path is not";
}

# -- pages and formats
is get('/page/x.tif;1/info.json')->code, 200, 'page 1';
is get('/page/semi;colon.png/info.json')->code, 200, 'a name with ";" is no page';
is get('/page/x.tif;2/info.json')->code, 404, 'there is no page 2';
is get('/page/x.tif;0/info.json')->code, 404, 'nor 0';
is get('/names/x.tif;1/info.json')->code, 404, 'IIIFPages is off by default';
is get('/png-only/x/info.json')->code, 200, 'the one file of an allowed format is not ambiguous';
is get('/png-only/UPPER/info.json')->code, 404, 'a format that is not read is not there';
is get('/png-only/by-content/info.json')->code, 404, '  by content neither';

# -- what no client should send
my @HOSTILE = (
    'plain%00.png', 'plain.png%00', 'plain%', 'plain%4', 'plain%zz', '%ff', '%c3%28', '%ed%a0%80', '%c0%afplain.png', 'a%5Cb',
    "a\\b", '%0d%0aX:y',
    '%01', '%7f', ('n' x 256) . '.png', 'n' x 256, 'n/' x 500 . 'x', '%25' x 300,
);
for my $identifier (@HOSTILE) {
    for my $path ("$identifier/info.json", "$identifier/$FULL", $identifier) {
        my ($there, $own) = (get("/names/$path"), get("/notfound/$path"));
        my $shown = length $path > 60 ? substr($path, 0, 60) . '...' : $path;
        like $there->code . ' ' . $own->code, qr/^40[04] 40[04]$/, "$shown is 400 or 404";
    }
}
for my $line ("GET /names/plain png/info.json HTTP/1.1", "GET /names/plain#x/info.json HTTP/1.1",
    "GET names/plain/info.json HTTP/1.1", "GET * HTTP/1.1") {
    like raw("$line\r\nHost: localhost\r\nConnection: close\r\n\r\n"), qr{^HTTP/1\.1 40[04]}, "$line is refused";
}

# -- a site that is one big root, on a httpd with other settings: the same identifiers
for my $setting ('AllowEncodedSlashes On', 'AllowEncodedSlashes NoDecode', 'MergeSlashes Off', 'UseCanonicalName On',
    'RewriteEngine on') {
    my $httpd = IIIF::PrivateHttpd->new(conf => "$setting\nIIIFImageRoot / \${FIXTURES}/access/images\n");
    $httpd->start;
    local $IIIF::Client::PORT = $httpd->port;
    my $origin = $setting eq 'UseCanonicalName On' ? 'http://localhost' : IIIF::Client::origin();
    for my $identifier ('plain.png', 'sub%2Fdir%2Ffile.png', 'sub/dir/file.png', 'lit%2541.png', '2', '2/plain.png', 'full') {
        is get("/$identifier")->header('Location'), "$origin/$identifier/info.json", "$setting: /$identifier";
        is get("/$identifier/full/max/0/default.png")->code, 200, '  and its image';
    }
    is get('/')->code, 404, '  the root itself is no image';
}

# -- virtual hosts: each has its own roots, before those of the main server
{
    my $httpd = IIIF::PrivateHttpd->new(conf => <<'CONF');
IIIFImageRoot /names ${FIXTURES}/access/images
IIIFVersions 2
<VirtualHost *>
    ServerName first.example.org
    IIIFImageRoot /own ${FIXTURES}/access/other
</VirtualHost>
<VirtualHost *>
    ServerName second.example.org
    IIIFImageRoot /names ${FIXTURES}/access/other
    IIIFVersions 3
</VirtualHost>
CONF
    $httpd->start;
    local $IIIF::Client::PORT = $httpd->port;
    my @HOSTS = (
        [ 'first.example.org',  '/own/plain',     "$NAMES/../other/plain.png", 'http://iiif.io/api/image/2/context.json' ],
        [ 'first.example.org',  '/names/plain',   "$NAMES/plain.png",          'http://iiif.io/api/image/2/context.json' ],
        [ 'second.example.org', '/names/plain',   "$NAMES/../other/plain.png", 'http://iiif.io/api/image/3/context.json' ],
    );
    for my $row (@HOSTS) {
        my ($host, $base, $file, $context) = @$row;
        my $json = info($base, Host => $host);
        is "$json->{width}x$json->{height}", dims_of_file($file), "$host$base is its own file";
        is $json->{'@context'}, $context, '  in its own version';
        like $json->{id} // $json->{'@id'}, qr{^http://\Q$host$base\E$}, '  under its own name';
    }
    is get('/own/plain/info.json', Host => 'second.example.org')->code, 404, "one host's root is not another's";
}

done_testing;
