# SPDX-License-Identifier: Apache-2.0
# What a database says of an image holds for its files, too: Require iiif-public, IIIFDirectFiles,
# and rights in info.json. The database is SQLite's, by mod_dbd.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Copy ();
use File::Path qw(make_path);
use IIIF::Client qw(ask get info);
use IIIF::PrivateHttpd qw(slurp spew);
use MIME::Base64 qw(encode_base64);

my $IMAGES = 'apxs-build/fixtures/images';
my $READER = 'Basic ' . encode_base64('reader:open sesame', '');
my $CONF = <<'CONF';
LoadModule dbd_module /usr/lib/apache2/modules/mod_dbd.so
LoadModule negotiation_module /usr/lib/apache2/modules/mod_negotiation.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
Include ${TOP}/conf.d/iiif-image.conf
AddType application/pdf .pdf
AddType image/jpeg .jpg
DBDriver sqlite3
DBDParams ${WORK}/site.db
IIIFResolverCache 1000 0
IIIFResolverGrace 0
Alias /files ${WORK}/files
Header always set X-Resolve "expr=%{note:iiif-resolve}" "expr=-n note('iiif-resolve')"
RewriteEngine On

Define BY_ID "SELECT path, is_public, rights, attribution FROM media WHERE id = {id}"
Define BY_NAME "SELECT path, is_public FROM media WHERE name IN ({stem}, {identifier}) ORDER BY is_public LIMIT 1"

IIIFResolver dbd
IIIFQuery "${BY_ID}"
IIIFDirectFiles pdf mp3
IIIFRights http://rightsstatements.org/vocab/CNE/1.0/
IIIFAttribution "The library"
IIIFImageRoot /iiif ${WORK}/files/original
IIIFImageRoot /told ${WORK}/files/original
IIIFImageRoot /plain ${WORK}/files/plain
IIIFImageRoot /images ${WORK}/files/original
<Location /told>
    IIIFFallback notfound
</Location>
<Location /images>
    IIIFDirectFiles none
</Location>
<Location /plain>
    IIIFResolver filesystem
</Location>

<Directory ${WORK}/files>
    Options FollowSymLinks
    Require all denied
</Directory>
<Directory ${WORK}/files/plain>
    Require all granted
</Directory>
<Directory ${WORK}/files/original>
    IIIFQuery "${BY_NAME}"
    Require iiif-public
    RewriteEngine On
    RewriteBase /files/original/
    RewriteRule ^open\.pdf$ secret.pdf
    RewriteRule ^open2\.jpg$ open.jpg
    RewriteRule ^dots2\.jpg$ dots.jpg
    RewriteRule ^moved\.jpg$ secret.jpg
    Options FollowSymLinks MultiViews
</Directory>
<Directory ${WORK}/files/tile>
    IIIFQuery "${BY_NAME}"
    Require iiif-public
</Directory>
<Directory ${WORK}/files/either>
    AuthType Basic
    AuthName archive
    AuthUserFile ${FIXTURES}/access/htpasswd
    IIIFQuery "${BY_NAME}"
    <RequireAny>
        Require iiif-public
        Require user reader
    </RequireAny>
</Directory>
<Directory ${WORK}/files/unasked>
    Require iiif-public
</Directory>

<VirtualHost *:*>
    ServerName up
</VirtualHost>
<VirtualHost *:*>
    ServerName down
    DBDriver sqlite3
    DBDParams ${WORK}/nowhere/site.db
</VirtualHost>
CONF

my $httpd = IIIF::PrivateHttpd->new;
my $work = $httpd->directory;

sub sql {
    my ($text) = @_;
    open my $pipe, '|-', 'sqlite3', '-bail', "$work/site.db" or die "sqlite3: $!\n";
    print {$pipe} $text;
    close $pipe or die "sqlite3 refuses: $text\n";
    return;
}

sub place {
    my ($name, $from) = @_;
    make_path("$work/files/$name" =~ s{/[^/]+$}{}r);
    return spew("$work/files/$name", $from) if $from =~ /^%/;
    File::Copy::copy("$IMAGES/$from", "$work/files/$name") or die "$name: $!\n";
    return;
}

sub tiles {
    my ($name, $layout) = @_;
    make_path("$work/files/tile/$name" =~ s{/[^/]+$}{}r);
    system('vips', 'dzsave', "$IMAGES/small.png", "$work/files/tile/$name", '--layout', $layout, '--tile-size', '128', '--overlap', '0') == 0
        or die "no tiles of $name\n";
    return;
}

sql(<<'SQL');
CREATE TABLE media (id INTEGER PRIMARY KEY, name TEXT, path TEXT, is_public INTEGER, rights TEXT, attribution TEXT);
INSERT INTO media VALUES (1, 'open', 'open.jpg', 1, 'https://creativecommons.org/licenses/by/4.0/', 'Photograph:' || char(10) || 'A. Person');
INSERT INTO media VALUES (2, 'secret', 'secret.jpg', 0, NULL, NULL);
INSERT INTO media VALUES (3, 'unknown', 'unknown.jpg', NULL, NULL, NULL);
INSERT INTO media VALUES (4, 'set/item/text', 'set/item/text.pdf', 1, NULL, NULL);
INSERT INTO media VALUES (5, 'hidden', 'hidden.pdf', 0, NULL, NULL);
INSERT INTO media VALUES (6, 'nameless', 'odd.jpg', 1, 'All rights reserved', '');
INSERT INTO media VALUES (7, 'dots.and', 'dots.and.jpg', 0, NULL, NULL);
INSERT INTO media VALUES (8, 'dots', 'dots.jpg', 1, NULL, NULL);
INSERT INTO media VALUES (13, 'dots2', 'dots2.jpg', 1, NULL, NULL);
INSERT INTO media VALUES (9, 'gone', 'gone.pdf', 1, NULL, NULL);
INSERT INTO media VALUES (10, 'page', NULL, 1, NULL, NULL);
INSERT INTO media VALUES (14, 'moved', 'moved.jpg', 1, NULL, NULL);
INSERT INTO media VALUES (11, 'out', '../plain/note.pdf', 1, NULL, NULL);
SQL
place("original/$_", 'small.jpg') for 'open.jpg', 'secret.jpg', 'unknown.jpg', 'odd.jpg', 'dots.and.jpg', 'dots.jpg', 'stray.jpg', 'open_files/secret.jpg', 'page.jpg', 'moved.jpg';
place("original/$_", "%PDF-1.4\n% $_\n") for 'set/item/text.pdf', 'hidden.pdf', 'secret.pdf';
place("plain/$_", "%PDF-1.4\n% $_\n") for 'note.pdf', 'note.txt';
place("either/$_.jpg", 'small.jpg') for 'open', 'secret';
place('unasked/open.jpg', 'small.jpg');
place("original/$_.dzi", "%no descriptor, but a file\n") for 2, 12;
tiles($_, 'dz') for 'open', 'secret', 'set/item/text', 'dots.and';
tiles("${_}_zdata", 'zoomify') for 'open', 'secret';
symlink 'secret.jpg', "$work/files/original/link.jpg" or die "no link: $!\n";
chmod 0777, $work;
$httpd->configure("Define WORK $work\n$CONF");
$httpd->start;
$IIIF::Client::PORT = $httpd->port;

sub codes {
    my ($want, @targets) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is get($_)->code, $want, $_ for @targets;
    return;
}

# -- files of what is public, and of nothing else ------------------------------------------------

codes(200, map { "/files/$_" } 'original/open.jpg', 'original/set/item/text.pdf', 'original/dots.jpg', 'tile/open.dzi', 'tile/open_files/9/0_0.jpeg', 'tile/open_files/0/0_0.jpeg',
    'tile/set/item/text_files/9/1_1.jpeg', 'tile/open_zdata/ImageProperties.xml', 'tile/open_zdata/TileGroup0/0-0-0.jpg');
ok get('/files/original/open.jpg')->content eq slurp("$work/files/original/open.jpg"), '  byte by byte';
is ask('GET', '/files/original/open.jpg', Range => 'bytes=0-1')->code, 206, '  in part, too';
codes(403, map { "/files/$_" } 'original/secret.jpg', 'original/unknown.jpg', 'original/hidden.pdf', 'original/odd.jpg', 'original/stray.jpg', 'original/nothing.jpg', 'original/dots.and.jpg',
    'original/page.jpg', 'tile/secret.dzi', 'tile/secret_files/9/0_0.jpeg', 'tile/secret_zdata/ImageProperties.xml', 'tile/secret_zdata/TileGroup0/0-0-0.jpg', 'tile/dots.and_files/9/0_0.jpeg',
    'original/', 'original', 'tile/', 'tile/open_files/', 'tile/open_files/9/');
is ask($_, '/files/original/secret.jpg')->code, 403, "$_ makes no difference" for qw(HEAD POST OPTIONS);
like $httpd->error_log, qr{IIIF0031: \S*/original/secret\.jpg is not granted by iiif-public: it is not public}, 'the log says why';

# -- by no other name ----------------------------------------------------------------------------

for my $way ('tile/open_files/../secret.dzi', 'tile/open_files/9/../../secret_files/9/0_0.jpeg', 'original/open.jpg/../secret.jpg', 'original//secret.jpg', 'original/./secret.jpg',
    'original/%2e%2e/original/secret.jpg', 'original/open_files%2F..%2Fsecret.jpg', 'original/open_files/%2e%2e/secret.jpg', 'original/SECRET.jpg', 'original/secret.JPG', 'original/secret.jpg/',
    'original/secret.jpg/open.jpg', 'original/open_files/secret.jpg', 'original/link.jpg', 'original/secret.jpg%00.jpg', 'original/secret.jpg?open.jpg', 'original/secret%2Ejpg', 'original/secret.jpg;open.jpg',
    "original/%27%20OR%201=1--.jpg", 'tile/open_files/0/0_0.jpeg/../../../secret.dzi', 'original/open.pdf', 'original/%ff.jpg') {
    isnt get("/files/$way")->code, 200, $way;
}
is get('/files/original/open.pdf')->code, 403, 'where a rule leads to another file, that one is asked for';
is get('/files/original/open2.jpg')->code, 403, '  as is what it leads from';
is get('/files/original/dots2.jpg')->code, 200, '  and what both are granted is sent';
is get('/files/original/dots')->header('Content-Location'), 'dots.jpg', 'of several files of one name it is one that is granted';
is get('/files/original/secret')->code, 403, '  and of none it is none';

# -- with other rules ----------------------------------------------------------------------------

codes(200, '/files/either/open.jpg');
codes(401, '/files/either/secret.jpg');
is ask('GET', '/files/either/secret.jpg', Authorization => $READER)->code, 200, 'or whom another rule lets in';
codes(403, '/files/unasked/open.jpg');
like $httpd->error_log, qr{IIIF0030: Require iiif-public: \S*/unasked/open\.jpg: no IIIFQuery stands in a <Directory>}, '  without a query: the log says so';

# -- an image is asked for once ------------------------------------------------------------------

codes(200, map { "/iiif/$_" } '1/info.json', '1/full/64,/0/default.jpg', '6/info.json', '6/full/64,/0/default.jpg', '3/6/info.json');
codes(404, map { "/iiif/$_" } '2/info.json', '2/full/64,/0/default.jpg', '3/3/info.json', '7/info.json', '10/info.json', '12/info.json', '1.jpg/info.json', 'open/info.json');
codes(303, '/iiif/1');
codes(404, map { "/iiif/$_.dzi" } 2, 12);
codes(200, '/iiif/1.dzi');
codes(404, map { "/told/$_/info.json" } 2, 12);
is get('/told/2/info.json')->content, get('/told/12/info.json')->content =~ s/12/2/gr, '  what is not public is told as what is not there';

# -- files that are no images --------------------------------------------------------------------

my $response = get('/iiif/4.pdf');
is $response->code . ' ' . $response->content, "200 %PDF-1.4\n% set/item/text.pdf\n", 'IIIFDirectFiles: the file of a record';
is $response->header('Content-Type'), 'application/pdf', '  by its own type';
is $response->header('Access-Control-Allow-Origin'), '*', '  for all sites';
is ask('GET', '/iiif/4.pdf', Range => 'bytes=1-3')->content, 'PDF', '  in part';
is ask('GET', '/iiif/4.pdf', 'If-None-Match' => $response->header('ETag'))->code, 304, '  once';
is ask('HEAD', '/iiif/4.pdf')->code, 200, '  HEAD';
is ask('OPTIONS', '/iiif/4.pdf')->code, 204, '  OPTIONS';
is join(' ', map { my $r = ask($_, '/iiif/4.pdf'); ($r->code, $r->header('Allow')) } 'POST', 'DELETE'), join(' ', ('405 GET, HEAD, OPTIONS') x 2), '  and no other method';
codes(200, map { "/iiif/$_" } '2/4.pdf', '3/4.pdf', '4.PDF');
codes(404, map { "/iiif/$_" } '5.pdf', '1.pdf', '1.jpg', '4.mp3', '9.pdf', '11.pdf', '12.pdf', '4.pdf/info.json', '4.pdf/full/max/0/default.jpg', '04.pdf', '.pdf', 'pdf', '4.', '4');
codes(404, '/images/4.pdf');
codes(200, '/plain/note.pdf');
codes(404, '/plain/note.txt', '/plain/..%2Foriginal%2Fhidden.pdf', '/plain/other.pdf');

# -- rights --------------------------------------------------------------------------------------

is info('/iiif/3/1')->{rights}, 'http://creativecommons.org/licenses/by/4.0/', 'version 3 has the licence of the record, as it is published';
is info('/iiif/2/1')->{license}, 'https://creativecommons.org/licenses/by/4.0/', '  version 2, too';
is info('/iiif/2/1')->{attribution}, 'Photograph: A. Person', '  and its attribution, in one line';
is info('/iiif/3/6')->{rights}, 'http://rightsstatements.org/vocab/CNE/1.0/', 'what is no URI gives way to IIIFRights';
is info('/iiif/2/6')->{attribution}, 'The library', '  what is empty to IIIFAttribution';
$response = get('/iiif/3/1/info.json');
my $etag = $response->header('ETag');
is $response->header('Last-Modified'), undef, 'nobody knows when a record was changed';
is ask('GET', '/iiif/3/1/info.json', 'If-None-Match' => $etag)->code, 304, '  but whether';
sql("UPDATE media SET rights = 'http://rightsstatements.org/vocab/InC/1.0/' WHERE id = 1;");
is info('/iiif/3/1')->{rights}, 'http://rightsstatements.org/vocab/InC/1.0/', 'a change shows at once where nothing is remembered';
is ask('GET', '/iiif/3/1/info.json', 'If-None-Match' => $etag)->code, 200, '  and to who has the old one';
is ask('GET', '/iiif/3/1/info.json', 'If-Modified-Since' => 'Fri, 01 Jan 2100 00:00:00 GMT')->code, 200, '  whatever he knows';
sql('UPDATE media SET rights = NULL WHERE id = 1;');
is info('/iiif/3/1')->{rights}, 'http://rightsstatements.org/vocab/CNE/1.0/', '  and back';
sql('UPDATE media SET is_public = 0 WHERE id IN (1, 4);');
codes(403, '/files/original/open.jpg', '/files/tile/open_files/9/0_0.jpeg');
codes(404, '/iiif/3/1/info.json', '/iiif/1/full/64,/0/default.jpg', '/iiif/4.pdf');
is ask('GET', '/iiif/3/1/info.json', 'If-None-Match' => $etag)->code, 404, '  nor is it said that nothing changed';

# -- without a database --------------------------------------------------------------------------

is ask('GET', $_, Host => 'up')->code, 200, "$_ with a database" for '/files/original/dots.jpg';
is ask('GET', $_, Host => 'down')->code, 403, "$_ without one" for '/files/original/dots.jpg', '/files/original/secret.jpg', '/files/tile/set/item/text_files/9/1_1.jpeg';
is ask('GET', $_, Host => 'down')->code, 404, "$_ without one" for '/iiif/8/info.json', '/iiif/4.pdf';
is ask('GET', '/plain/note.pdf', Host => 'down')->code, 200, '  and what needs none is there';
$httpd->stop;
is join("\n", grep { /:(?:error|crit|alert|emerg)\]|exit signal/ && !/IIIF0022|IIIF0030|AH01630|authz_core|\[dbd:|AH00656|AH00632|AH00636|AH00026|AH00127/ } split /\n/, $httpd->error_log), '', 'the log has no other errors';

# -- an image that is granted leads to no other file, either -------------------------------------

$httpd->configure("Define WORK $work\n" . $CONF =~ s/^Include.*\n//mr);    # with which a claimed image has settings of its own
$httpd->start;
codes(200, '/iiif/8/full/64,/0/default.jpg');
codes(403, '/iiif/14/full/64,/0/default.jpg');
$httpd->stop;

# -- what is configured --------------------------------------------------------------------------

my $QUERY = 'IIIFQuery "SELECT 1 AS path"';
for my $row ([ "<Directory /srv>\nRequire iiif-public now\n</Directory>", qr/Require iiif-public takes no arguments/ ],
    [ "<DirectoryMatch ^/srv/.*>\n$QUERY\n</DirectoryMatch>", qr/IIIFQuery: the section is no <Directory> of one path/ ],
    [ "<Directory /srv/*>\n$QUERY\n</Directory>", qr/IIIFQuery: the section is no <Directory> of one path/ ],
    [ "<Directory /srv>\n$QUERY\nRequire iiif-public\n</Directory>", qr/IIIF0020/ ],
    [ 'IIIFDirectFiles', qr/IIIFDirectFiles: takes extensions, or none/ ], [ 'IIIFDirectFiles .pdf', qr/IIIFDirectFiles: '\.pdf' is not an extension such as pdf/ ],
    [ "<Directory /srv>\nIIIFDirectFiles pdf\n</Directory>", qr/IIIFDirectFiles/ ]) {
    my ($text, $why) = @{$row};
    my $other = IIIF::PrivateHttpd->new(conf => $text);
    my ($status, $said) = $other->run('-t');
    isnt $status, 0, 'refused: ' . ($text =~ s/\n/ /gr);
    like $said . $other->error_log, $why, '  and why';
}
done_testing;
