# SPDX-License-Identifier: Apache-2.0
# Whoever may read a file may see its image, nobody else, however the URI is spelled; and nothing
# outside the root is ever read.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Client qw(ask get dims_of dims_of_file h2);
use MIME::Base64 qw(encode_base64);

my $NAMES  = 'apxs-build/fixtures/access/images';
my $SECRET = dims_of_file("$NAMES/../outside/secret.png");
my $READER = 'Basic ' . encode_base64('reader:open sesame', '');

# What may be asked about an identifier, of every kind and version.
my @REQUESTS = (
    '/%s/info.json', '/2/%s/info.json', '/3/%s/info.json', '/%s', '/%s/', '/%s/full/max/0/default.png',
    '/2/%s/full/full/0/default.jpg',
    '/%s/0,0,1,1/max/0/default.jpg', '/%s/full/max/0/default.pdf', '/%s/x/max/0/default.jpg', '/%s/full/9999,/0/default.jpg',
);

# Nothing that only a reader of the file could know.
sub reveals {
    my ($response) = @_;
    my @told = grep { defined $response->header($_) } 'ETag', 'Last-Modified', 'Link', 'Content-Disposition', 'Location',
        'Accept-Ranges', 'Vary';
    push @told, 'size' if $response->content =~ /width|height|\d{2,}x\d{2,}|pixel/;
    push @told, 'secret' if $response->content =~ /SECRET/;
    return join ' ', @told;
}

# -- rules about the file hold in every spelling of it, for every kind of request
my @REFUSED = (
    # file                          status   spellings
    [ 'protected/picture.png',         403, qw(protected%2Fpicture.png protected%2fpicture protected/picture.png
        prot%65cted%2Fpicture.png protected%2F%70icture%2Epng %70%72%6F%74%65%63%74%65%64%2Fpicture
        sub/../protected/picture protected/./picture protected//picture) ],
    [ 'private/picture.png',           401, qw(private%2Fpicture.png private/picture priv%61te%2fpicture) ],
    [ 'network/picture.png',           403, qw(network%2Fpicture.png network/picture) ],
    [ 'htaccess/picture.png',          403, qw(htaccess%2Fpicture.png htaccess/picture) ],
    [ 'files/picture.secret.png',      403, qw(files%2Fpicture.secret.png files%2Fpicture.secret files/picture%2Esecret.png) ],
    [ 'nolinks/link.png',              403, qw(nolinks%2Flink.png nolinks/link) ],
);
for my $row (@REFUSED) {
    my ($file, $status, @spellings) = @$row;
    for my $spelling (@spellings) {
        for my $request (@REQUESTS) {
            my $path = '/guarded' . sprintf $request, $spelling;
            my $response = get($path);
            is $response->code . reveals($response), $status, "$path is $status and tells nothing";
        }
    }
    my $path = "/guarded/$spellings[0]/full/max/0/default.png";
    for my $conditions ([ 'If-None-Match' => '*' ], [ 'If-Modified-Since' => 'Fri, 01 Jan 2038 00:00:00 GMT' ],
        [ Range => 'bytes=0-9' ], [ 'X-Forwarded-For' => '10.0.0.1' ], [ 'X-Original-URL' => '/names/plain' ],
        [ Authorization => 'Basic ' . encode_base64('reader:wrong', '') ]) {
        is get($path, @$conditions)->code, $status, "  nor with $conditions->[0]";
    }
    is ask('HEAD', $path)->code, $status, '  nor with HEAD';
    is ask('POST', $path)->code, $status, '  nor with POST';
    is h2($path)->code, $status, '  nor over HTTP/2';
}

# -- the same rules let readers in
my @ALLOWED = (
    [ 'private/picture.png',  'private%2Fpicture.png', Authorization => $READER ],
    [ 'here/picture.png',     'here%2Fpicture.png' ],
    [ 'files/picture.png',    'files%2Fpicture' ],
    [ 'nolinks/real.png',     'nolinks%2Freal.png' ],
    [ 'links/real.png',       'links%2Finside.png' ],
    [ 'links/real.png',       'linked-directory%2Freal.png' ],
);
for my $row (@ALLOWED) {
    my ($file, $spelling, @headers) = @$row;
    is dims_of(get("/guarded/$spelling/full/max/0/default.png", @headers)), dims_of_file("$NAMES/$file"),
        "$spelling is $file, for those who may read it";
    is get("/guarded/$spelling/info.json", @headers)->code, 200, '  info.json too';
    is get("/guarded/$spelling", @headers)->code, 303, '  and the base URI';
}
like get('/guarded/private%2Fpicture/info.json')->header('WWW-Authenticate'), qr/^Basic realm="readers"/,
    'a reader is asked for a name';

# -- a root that only readers may enter: strangers cannot even ask which files there are
for my $identifier (qw(picture.png unknown .iiif-not-found)) {
    is get("/readers/$identifier/info.json")->code, 401, "/readers/$identifier: who asks?";
}
is get('/readers/picture.png/info.json', Authorization => $READER)->code, 200, 'a reader finds what is there';
is get('/readers/unknown/info.json', Authorization => $READER)->code, 404, '  and is told what is not';

# -- where nothing is found, the directory it would be in decides who is told so
is get("/told/private%2F$_/info.json")->code, 401, "/told/private/$_: who asks?" for qw(picture unknown);
is get('/told/private%2Funknown/info.json', Authorization => $READER)->code, 404, '  and a reader is told';
is get('/told/protected%2Funknown/info.json')->code, 403, 'what is closed to all says nothing';
is get('/told/unknown/info.json')->code, 404, 'what is open says that there is nothing';
is get('/told/no%2Fsuch%2Fdirectory/info.json')->code, 404, '  nor a directory';

# -- a rule about a <Location> meets the path as httpd normalised it
for my $spelling (qw(plain/info.json pl%61in/info.json plain/full/max/0/default.png ./plain /plain x/../plain)) {
    is get("/by-location/$spelling")->code, 403, "/by-location/$spelling is refused by <Location>";
}

# names of Deep Zoom and Zoomify are not below the path of the image; without them nothing is left
for my $name (qw(plain.dzi pl%61in.dzi plain_files/0/0_0.jpg plain_zdata/ImageProperties.xml plain_zdata/TileGroup0/0-0-0.jpg)) {
    is get("/by-location/$name")->code, 200, "/by-location/$name is another path";
    my $response = get("/by-location-alone/$name");
    is $response->code . reveals($response), 404, '  and none where IIIFDeepZoom is off';
}
is get("/by-location-alone/$_/info.json")->code, $_ eq 'plain' ? 403 : 200, "/by-location-alone/$_ is served as before" for 'plain', 'plain.png';

# -- rewriting in the source's own directory is obeyed
is get('/guarded/rewritten%2Fpicture.png/info.json')->header('Location'), 'https://elsewhere.example.org/',
    "a .htaccess file's redirect is followed";

# -- nothing outside the root: every encoding of the way there
my @SEPARATORS = qw(/ %2F %2f %5C %5c \\ %252F %252f %255C %c0%af %e0%80%af %u2215 %EF%BC%8F);
my @DOTS = ('..', '%2e%2e', '%2E.', '.%2e', '%252e%252e', '%c0%ae%c0%ae', '%e0%80%ae%e0%80%ae', '%uff0e%uff0e', '...', '....',
    '..;', '..%00', '%EF%BC%8E%EF%BC%8E');
my @TARGETS = qw(outside/secret.png outside/secret secret.txt htpasswd other/plain.png);
my @TAILS = ('', '/info.json', '/full/max/0/default.png');
my $tried = 0;
my @escaped;
for my $dots (@DOTS) {
    for my $separator (@SEPARATORS) {
        for my $target (@TARGETS) {
            my $way = $target =~ s{/}{$separator}gr;
            for my $identifier ("$dots$separator$way", "sub$separator$dots$separator$dots$separator$way",
                "plain.png$separator$dots$separator$dots$separator$way") {
                for my $tail (@TAILS) {
                    my $response = get("/guarded/$identifier$tail");
                    ++$tried;
                    push @escaped, "$identifier$tail: " . $response->code if $response->code !~ /^40[0134]$/ || reveals($response);
                }
            }
        }
    }
}
cmp_ok $tried, '>', 5000, "$tried ways out of the root were tried";
is_deeply \@escaped, [], '  and none led anywhere';
my @WAYS_OUT = (
    '%2Fetc%2Fpasswd', '/etc/passwd', '%2F%2Fetc%2Fpasswd', 'file:%2F%2F%2Fetc%2Fpasswd', 'http:%2F%2Flocalhost%2Fx.png',
    '..%2F..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd', 'C:%5Cwindows', '~root', '-', '--help', 'plain.png%5Bpage=1%5D',
    'plain.png:page', 'outside%2Fsecret.png', '../' x 20 . 'etc/passwd',
    'links%2Fdangling.png', 'links%2Floop.png', 'links%2Foutside.txt', 'note.txt', '.htaccess', 'htaccess%2F.htaccess',
    'protected', 'private%2F', 'CON', 'plain.png%2F', 'plain.png%2F.',
    '%70lain.png%2F..%2Fplain.png',
);
for my $identifier (@WAYS_OUT) {
    for my $tail (@TAILS) {
        my $response = get("/guarded/$identifier$tail");
        like $response->code . reveals($response), qr/^40[0134]$/, "$identifier$tail leads nowhere";
    }
}

# -- a link out of the root is httpd's to judge: followed with FollowSymLinks, as any file is
is dims_of(get('/guarded/links%2Foutside.png/full/max/0/default.png')), $SECRET,
    'a symlink is followed where Options FollowSymLinks says so';
is get('/guarded/nolinks%2Flink.png/full/max/0/default.png')->code, 403, '  and not where it does not';

# -- a file that the server's user may not read
for my $request ('/guarded/unreadable.png/info.json', '/guarded/unreadable.png/full/max/0/default.png') {
    my $response = get($request);
    is $response->code . reveals($response), 403, "$request is 403";
    is $response->content, "the server may not read this image\n", '  in one sentence';
}

# -- a refusal is the same whether the picture exists or not, where the directory is closed
is get('/guarded/protected%2Fpicture.png/info.json')->content =~ s/picture//gr,
    get('/guarded/protected%2Fpicture/info.json')->content =~ s/picture//gr,
    'two spellings of a closed picture get the same words';

done_testing;
