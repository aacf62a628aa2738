# SPDX-License-Identifier: Apache-2.0
# IIIFResolver dbd: a database says which file an identifier means, and who may see it. Who is asked, how often, and what
# becomes of it all when nobody answers. The database is SQLite's, by mod_dbd.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Temp ();
use IIIF::Client qw(get info ask answered_by dims_of dims_of_file);
use IIIF::PrivateHttpd qw(slurp);
use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use Time::HiRes qw(sleep time);

chomp(my $MODULES = `apxs -q LIBEXECDIR`);
my $databases = File::Temp->newdir(TMPDIR => 1);

sub sql {
    my ($name, @statements) = @_;
    open my $sqlite, '|-', 'sqlite3', '-bail', '-cmd', '.timeout 20000', "$databases/$name.db" or die "sqlite3: $!\n";
    print {$sqlite} map { "$_;\n" } @statements;
    close $sqlite or die "sqlite3 failed: $?\n";
    return;
}

my $TABLE = 'CREATE TABLE media (id INTEGER PRIMARY KEY, identifier TEXT, path TEXT, is_public, etag TEXT, name TEXT)';
my @ROWS = (
    # id  identifier            path             public  etag
    [ 1, 'plain',               'plain.jpg',     1,      "'a'" ],
    [ 2, 'two',                 'odd.png',     1,      'NULL' ],
    [ 3, 'three',               'map.jpg',       1,      'NULL' ],
    [ 4, 'private',             'plain.jpg',     0,      'NULL' ],
    [ 5, 'nothing',             undef,           1,      'NULL' ],
    [ 6, 'unsure',              'plain.jpg',     undef,  'NULL' ],
    [ 7, 'gone',                'no-such.jpg',   1,      'NULL' ],
    [ 8, 'outside',             '../access/images/plain.png', 1, 'NULL' ],
    [ 9, 'absolute',            '/etc/passwd',   1,      'NULL' ],
    [ 10, 'ark:/12345//x y',    'plain.jpg',     1,      'NULL' ],
    [ 11, "O'Brien; DROP TABLE media--", 'plain.jpg', 1, 'NULL' ],
    [ 12, 'Größe 100%',         'odd.png',     1,      'NULL' ],
    [ 13, 'https://example.org/a', 'map.jpg',    1,      'NULL' ],
    [ 14, 'book',               'book.tif',      1,      'NULL' ],
    [ 15, 'book;2',             'odd.png',     1,      'NULL' ],
    [ 16, 'pages',              'book.tif',      1,      'NULL' ],
    [ 17, 'not-an-image',       '../access/rest.html', 1, 'NULL' ],
    [ 18, '007',                'odd.png',     1,      'NULL' ],
    [ 19, 'prefix/x',           'odd.png',     1,      'NULL' ],
);
sub quoted { my ($text) = @_; return defined $text ? q(') . ($text =~ s/'/''/gr) . q(') : 'NULL' }
sub make_database {
    my ($name, @extra) = @_;
    sql($name, $TABLE, (map { sprintf 'INSERT INTO media VALUES (%d, %s, %s, %s, %s, NULL)', $_->[0], quoted($_->[1]), quoted($_->[2]),
        $_->[3] // 'NULL', $_->[4] } @ROWS), @extra);
    return;
}
make_database('main');
make_database('other', "UPDATE media SET path = 'map.jpg' WHERE id = 1", "INSERT INTO media VALUES (900, 'only here', 'plain.jpg', 1, NULL, NULL)");

my $COLUMNS = 'path, is_public, etag, id AS ignored';
my $SITES = <<"CONF";
LogLevel iiif_image:debug
LoadModule dbd_module $MODULES/mod_dbd.so
LoadModule socache_shmcb_module $MODULES/mod_socache_shmcb.so
Include \${TOP}/conf.d/iiif-image.conf
Header always set X-IIIF-Kind "%{IIIF}e" env=IIIF
Header always set X-IIIF-Resolve "expr=%{note:iiif-resolve}" "expr=-n note('iiif-resolve')"

DBDriver sqlite3
DBDParams $databases/main.db
DBDMin 0

# whatever is declined reaches a front controller
RewriteEngine on
RewriteRule ^/(iiif|bare|text|when|unless|prefix|stem|refused|pages|plain|broken|several|never)(/|\$) \${FIXTURES}/access/rest.html [L]

IIIFResolver dbd
IIIFImageRoot /iiif \${FIXTURES}/images
IIIFQuery "SELECT $COLUMNS FROM media WHERE id = {id}"
IIIFResolverTimeout 400

<Location /text>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT $COLUMNS FROM media WHERE identifier = {identifier} AND path LIKE '%.%' AND '100%s' LIKE '100%%'"
</Location>
<Location /when>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT 'map.jpg' AS path" when "SELECT 1 FROM media WHERE id = -7"
    IIIFQuery "SELECT path FROM media WHERE id = {id}" when "SELECT 1 FROM media WHERE path LIKE 'map%'"
</Location>
<Location /unless>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT path FROM media WHERE id = {id}" when "SELECT 1 FROM media WHERE id = -7"
</Location>
<Location /broken>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT path FROM media WHERE id = {id}" when "SELECT 1 FROM no_such_table"
    IIIFQuery "SELECT path FROM media WHERE id = {id}"
</Location>
<Location /prefix>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT path, NULL AS name FROM media WHERE identifier = {prefixed}"
    IIIFIdentifierPrefix prefix/
</Location>
<Location /stem>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT path FROM media WHERE identifier = {stem}"
</Location>
<Location /pages>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT path FROM media WHERE identifier = {identifier}"
    IIIFPages on
</Location>
<Location /refused>
    IIIFImageRoot \${FIXTURES}/images
    IIIFFallback notfound
    IIIFResolverFailure unavailable
    IIIFResolverGrace 0
</Location>
<Location /several>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT path FROM media WHERE identifier = 'plain' AND {id} > 0"
</Location>
<Location /bare>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT path, CASE id WHEN 1 THEN 1 WHEN 2 THEN 0 END AS has_base FROM media WHERE id = {id}"
</Location>
<Location /plain>
    IIIFImageRoot \${FIXTURES}/images
    IIIFResolver filesystem
</Location>
<Location /never>
    IIIFImageRoot \${FIXTURES}/images
    IIIFQuery "SELECT id FROM media WHERE id = {id}"
</Location>
CONF

sub vhosts {
    my ($port) = @_;
    return <<"CONF";
<VirtualHost 127.0.0.1:$port>
    ServerName localhost
    RewriteEngine on
    RewriteOptions Inherit
</VirtualHost>
<VirtualHost 127.0.0.1:$port>
    ServerName other.example
    DBDParams $databases/other.db
    IIIFImageRoot /iiif \${FIXTURES}/images
    RewriteEngine on
    RewriteOptions Inherit
</VirtualHost>
CONF
}

my $ONE_CHILD = <<'CONF';
StartServers 1
ServerLimit 1
ThreadsPerChild 64
ThreadLimit 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
CONF

# What answered, and with which image.
sub found {
    my ($path, @headers) = @_;
    my $response = get("$path/info.json", @headers);
    my $from = $response->header('X-IIIF-Resolve') // 'nobody';
    return answered_by($response) . " $from" if $response->code != 200 || answered_by($response) ne 'iiif info';
    my ($width, $height) = map { $response->content =~ /"$_":\s*(\d+)/ } qw(width height);
    return "${width}x$height $from";
}

my %SIZE = map { $_ => dims_of_file("apxs-build/fixtures/images/$_") } qw(plain.jpg odd.png map.jpg book.tif);
is keys %{ { reverse %SIZE } }, 4, 'images are told apart by their size';

# -- a configuration that cannot work is refused, with the reason
sub complaint {
    my ($conf, @without) = @_;
    my $httpd = IIIF::PrivateHttpd->new(conf => $conf);
    my ($status, $said) = $httpd->run('-t');
    return "$status $said" . $httpd->error_log;
}
my $BOTH = "LoadModule dbd_module $MODULES/mod_dbd.so\n";
like complaint('IIIFResolver dbd'), qr/^1 .*IIIF0020: IIIFResolver dbd needs mod_dbd/s, 'without mod_dbd it does not start';
for my $row (
    [ 'IIIFQuery "SELECT path FROM media WHERE id = {name}"',        qr/IIIFQuery: \{name\} is not one of/ ],
    [ 'IIIFQuery "SELECT path FROM media WHERE id = \'{id}\'"',      qr/IIIFQuery: \{id\} stands within quotes/ ],
    [ 'IIIFQuery "SELECT path FROM media WHERE id = ?"',             qr/IIIFQuery: "\?" is what a value becomes/ ],
    [ 'IIIFQuery "SELECT path" when "SELECT {id}"',                  qr/IIIFQuery: a condition has no values/ ],
    [ 'IIIFQuery "SELECT path" if "SELECT 1"',                       qr/IIIFQuery: 'if' is not when/ ],
    [ 'IIIFResolver database',                                       qr/'database' is not one of filesystem dbd/ ],
    [ 'IIIFResolverCache 10 5 nothing',                              qr/mod_socache_nothing is not loaded/ ],
    [ 'IIIFResolverTimeout 49',                                      qr/'49' is not a number from 50 to 60000/ ],
    [ 'IIIFResolverFailure ignore',                                  qr/'ignore' is not one of decline unavailable/ ],
    [ "<Directory />\nIIIFResolver dbd\n</Directory>",               qr/IIIFResolver cannot occur within <Directory/ ],
    [ "<Files x>\nIIIFQuery \"SELECT path\"\n</Files>",              qr/IIIFQuery cannot occur within <Files/ ],
) {
    my ($line, $want) = @$row;
    like complaint("$BOTH$line"), qr/^1 .*$want/s, "refused: $line";
}
like complaint("$BOTH<Directory />\nIIIFQuery \"SELECT path\"\n</Directory>"), qr/^0 .*Syntax OK/s, 'IIIFQuery may stand in a <Directory>';

my $httpd = IIIF::PrivateHttpd->new(conf => '');
$httpd->configure("$SITES$ONE_CHILD\nIIIFResolverCache 1000 600\n" . vhosts($httpd->port));
$httpd->start;
$IIIF::Client::PORT = $httpd->port;
is $httpd->error_log =~ /IIIF0021/ ? 1 : 0, 0, 'the memory that all children share is there';

# -- identifiers
is found('/iiif/1'), "$SIZE{'plain.jpg'} query", 'a media id is a file';
is found('/iiif/1'), "$SIZE{'plain.jpg'} memory", '  and asked for once';
is dims_of(get('/iiif/1/full/max/0/default.jpg')), $SIZE{'plain.jpg'}, '  with its pixels';
is get('/iiif/1')->code, 303, '  and its base URI';
is found('/iiif/2'), "$SIZE{'odd.png'} query", 'id 2 is no version';
is found('/iiif/3/3'), "$SIZE{'map.jpg'} query", 'nor is id 3';
is found('/iiif/2/3'), "$SIZE{'map.jpg'} memory", '  in either version';
for my $row (
    [ 'iiif/4', 'private' ], [ 'iiif/5', 'no path' ], [ 'iiif/6', 'neither public nor private' ], [ 'iiif/7', 'a file that is not there' ],
    [ 'iiif/8', 'a path that leaves the root' ], [ 'iiif/9', 'an absolute path' ], [ 'iiif/17', 'no image' ], [ 'iiif/999', 'unknown' ],
    [ 'text/private', 'private, by text' ], [ 'text/unknown', 'unknown, by text' ],
) {
    my ($path, $what) = @$row;
    is found("/$path"), 'front controller query', "$path is left to others: $what";
    is found("/$path"), 'front controller memory', '  and that is remembered';
    for my $rest ('', '/full/max/0/default.jpg', '/full/9999,/0/default.jpg', '/bad/max/0/default.jpg') {
        my $response = get("/$path$rest");
        is answered_by($response), 'front controller', "  as is $rest";
        is join(' ', grep { defined $response->header($_) } 'Link', 'Location', 'X-IIIF-Kind'), '', '    telling nothing';
    }
}
for my $row ([ 1, 'plain.jpg' ], [ 4, 'not public' ], [ 5, 'no file' ], [ 6, 'not public' ], [ 7, 'no-such.jpg' ], [ 999, 'no record' ]) {
    my ($id, $said) = @$row;
    like $httpd->error_log, qr/:debug\].*IIIF0032: the database says of '$id' \(query\): \Q$said\E(?:,|$)/m, "the log says of $id: $said";
}
is found("/iiif/$_"), 'front controller nobody', "$_ is no number, and nobody is asked" for '12abc', '1%20', '01', '+1', '1e0', '0x1', '-1', '9' x 19, '1%27', '%EF%BC%91';
is found('/several/1'), "$SIZE{'plain.jpg'} query", '{id} may stand beside other conditions';
is found('/text/ark:%2F12345%2F%2Fx%20y'), "$SIZE{'plain.jpg'} query", 'an ark with an empty part';
is found('/text/O%27Brien%3B%20DROP%20TABLE%20media--'), "$SIZE{'plain.jpg'} query", 'SQL is text';
is found("/text/plain%27%20OR%20%271%27=%271"), 'front controller query', '  and nothing but text';
is found('/text/Gr%C3%B6%C3%9Fe%20100%25'), "$SIZE{'odd.png'} query", 'UTF-8, and a percent sign';
is found('/text/https:%2F%2Fexample.org%2Fa'), "$SIZE{'map.jpg'} query", 'a URI';
is found('/text/007'), "$SIZE{'odd.png'} query", 'digits as text';
is found('/text/' . 'x' x 1001), 'front controller nobody', 'nobody is asked for what is too long';
is found("/text/$_"), 'front controller nobody', "nor for $_" for '%01', '%FF', '%C0%AF', '%ED%A0%80';
is found('/prefix/x'), "$SIZE{'odd.png'} query", 'a prefix';
is found('/pages/plain.jpg'), 'front controller query', 'with an extension, where nothing is called so';
is found('/stem/plain.jpg'), "$SIZE{'plain.jpg'} query", 'without an extension, by a query that differs in the name of its value alone';
is found('/stem/ark:%2F12345%2F%2Fx%20y.tif'), "$SIZE{'plain.jpg'} query", '  in the last segment';
is found('/plain/map.jpg'), "$SIZE{'map.jpg'} nobody", 'another section has files for identifiers';
is found('/plain/1'), 'front controller nobody', '  alone';

# -- an identifier alone
is get("/bare/$_->[0]")->code . ' ' . answered_by(get("/bare/$_->[0]")), $_->[1], "has_base: $_->[0]" for [ 1 => '303 iiif base' ], map { [ $_ => '200 front controller' ] } 2, 3, '2/', '3/2';
is found("/bare/$_->[0]"), "$SIZE{$_->[1]} memory", "  it changes nothing for info.json of $_->[0]" for [ 1 => 'plain.jpg' ], [ 2 => 'odd.png' ], [ 3 => 'map.jpg' ];

# -- the first query whose condition holds
is found('/when/1'), "$SIZE{'plain.jpg'} query", 'a query without rows in its condition is passed over';
is found('/unless/1'), 'front controller query', '  and where none is left, nothing is found';
is found('/broken/1'), 'front controller down', 'a condition that cannot be asked does not let others in';
like $httpd->error_log, qr/:error\].*IIIF0022: IIIFResolver dbd: the database cannot be asked: .*no such table/, '  and the log says why';
is found('/never/1'), 'front controller down', 'a query without a path answers nothing';

# -- pages
is found('/pages/book'), "$SIZE{'book.tif'} query", 'a file of several pages';
is found('/pages/book;2'), "$SIZE{'odd.png'} query", 'a record that is called as a page comes first';
is get('/pages/pages;2/info.json')->code, 200, 'else it is a page';
is answered_by(get('/text/book;3/info.json')), 'front controller', 'and only where pages are allowed';

# -- virtual hosts with databases of their own
is found('/iiif/1', Host => 'other.example'), "$SIZE{'map.jpg'} query", 'another host has another database';
is found('/iiif/1', Host => 'other.example'), "$SIZE{'map.jpg'} memory", '  that is remembered apart';
is found('/iiif/1'), "$SIZE{'plain.jpg'} memory", '  from the first';
is found('/iiif/900', Host => 'other.example'), "$SIZE{'plain.jpg'} query", 'what one host has';
is found('/iiif/900'), 'front controller query', '  another has not';

# -- 200 requests at once of an identifier that nobody has asked for
sub at_once {
    my ($target, $count) = @_;
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $IIIF::Client::PORT) or die "no connection: $!\n" } 1 .. $count;
    my %seen;
    print {$_} "GET $target HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" for @sockets;
    for my $socket (@sockets) {
        local $/;
        my $answer = <$socket> // '';
        my ($from) = $answer =~ /^X-IIIF-Resolve: (\w+)/m;
        $seen{ ($answer =~ /^HTTP\S+ (\d+)/)[0] . ' ' . ($from // 'nobody') }++;
    }
    return \%seen;
}
sql('main', "INSERT INTO media VALUES (1000 + $_, 'new', 'plain.jpg', 1, NULL, NULL)") for 1 .. 3;
for my $id (1001 .. 1003) {
    my $seen = at_once("/iiif/$id/info.json", 200);
    is $seen->{'200 query'}, 1, "200 at once for $id: one query";
    is 1 + ($seen->{'200 memory'} // 0) + ($seen->{'200 shared'} // 0), 200, '  that answers all';
}
is at_once('/iiif/1999/info.json', 200)->{'200 query'}, 1, '  and one for what is not there';

# -- another etag is another image
sub etag { my ($path) = @_; return get("$path/full/max/0/default.jpg")->header('ETag') }
my $etag = etag('/iiif/1');
sql('main', "UPDATE media SET etag = 'b' WHERE id = 1", 'UPDATE media SET is_public = 0 WHERE id = 2', 'UPDATE media SET is_public = 1 WHERE id = 4');
is etag('/iiif/1'), $etag, 'what is remembered stays so for its time';
is found('/iiif/2'), "$SIZE{'odd.png'} memory", '  what became private, too';
is found('/iiif/4'), 'front controller memory', '  and what became public';

# -- for a second
$httpd->configure("$SITES$ONE_CHILD\nIIIFResolverCache 1000 1\n" . vhosts($httpd->port));
ok $httpd->restart, 'a graceful restart';
isnt etag('/iiif/1'), $etag, 'the column etag is part of the ETag';
is found('/iiif/2'), 'front controller query', 'what became private is so at once';
is found('/iiif/4'), "$SIZE{'plain.jpg'} query", '  and what became public';
sql('main', 'UPDATE media SET is_public = 0 WHERE id = 4');
ok IIIF::PrivateHttpd::until_true(sub { found('/iiif/4') =~ /^front controller/ }), 'a second later it is asked again';
sql('main', 'UPDATE media SET is_public = 1 WHERE id = 4');
ok IIIF::PrivateHttpd::until_true(sub { found('/iiif/4') =~ /^$SIZE{'plain.jpg'}/ }), '  also what was not found';

# -- the database is gone
found("/iiif/$_") for 1 .. 7;
found('/refused/1');
sql('main', 'ALTER TABLE media RENAME TO elsewhere');
sleep 1.1;
is found('/iiif/1'), "$SIZE{'plain.jpg'} grace", 'without a database, what is remembered lives on';
is found('/iiif/7'), 'front controller grace', '  also what was not found';
is found('/iiif/14'), 'front controller down', '  and what is not remembered is left to others';
my $refused = get('/refused/1/info.json');
is $refused->code . ' ' . $refused->header('X-IIIF-Kind'), '503 unavailable', 'or refused';
like $refused->header('Retry-After'), qr/^\d+$/, '  with a time to come again';
is $refused->header('Cache-Control'), 'no-store', '  and kept by no cache';
unlike $refused->content, qr/SELECT|table|sqlite|$databases/i, '  and it says nothing of the database: ' . $refused->content =~ s/\n//r;
is $refused->header('Access-Control-Allow-Origin'), '*', '  to any site';
is get('/refused/999/info.json')->code, 503, 'so is what may not exist';
is get('/refused/none/info.json')->code, 404, '  but not what cannot';
sql('main', 'ALTER TABLE elsewhere RENAME TO media');
ok IIIF::PrivateHttpd::until_true(sub { found('/iiif/1') eq "$SIZE{'plain.jpg'} query" }), 'when it is back it is asked again';
ok IIIF::PrivateHttpd::until_true(sub { get('/refused/1/info.json')->code == 200 }), '  by all';

# -- the database is there, but does not answer
sub locked {
    my ($code) = @_;
    my $pid = open my $sqlite, '|-', 'sqlite3', "$databases/main.db" or die "sqlite3: $!\n";
    $sqlite->autoflush;
    print {$sqlite} "BEGIN EXCLUSIVE;\n.shell touch $databases/locked\n";
    IIIF::PrivateHttpd::until_true(sub { -e "$databases/locked" }) or die "no lock\n";
    $code->();
    close $sqlite or die "sqlite3: $?\n";
    unlink "$databases/locked";
    return;
}
found("/iiif/$_") for 1, 3;
sleep 1.1;
locked(sub {
    is found('/iiif/3'), "$SIZE{'map.jpg'} grace", 'nobody waits for long: what is remembered';
    is found('/iiif/1'), "$SIZE{'plain.jpg'} grace", '  again';
    is found('/iiif/16'), 'front controller down', '  or nothing';
    my $seen = at_once('/iiif/3/info.json', 50);
    is_deeply $seen, { '200 grace' => 50 }, '  for many at once';
});
ok IIIF::PrivateHttpd::until_true(sub { found('/iiif/1') eq "$SIZE{'plain.jpg'} query" }), 'and it goes on when it does';
like $httpd->error_log, qr/IIIF0022: .*there was no answer within \d+ ms/, 'the log says why';

# -- restarts while it does not answer
locked(sub {
    for (1 .. 3) {
        at_once("/iiif/$_/info.json", 8) for 2, 3, 14;
        ok $httpd->restart, "restart $_ while nobody answers";
    }
});
ok IIIF::PrivateHttpd::until_true(sub { found('/iiif/1') =~ /^$SIZE{'plain.jpg'}/ }), 'and all is well again';
locked(sub { at_once("/iiif/$_/info.json", 8) for 14, 16, 19; $httpd->stop });
is join("\n", grep { /exit signal|:(?:crit|alert|emerg)\]|Assertion|still did not exit/ } split /\n/, $httpd->error_log), '', 'no child has died of it';

# -- nothing is remembered
$httpd->configure("$SITES$ONE_CHILD\nIIIFResolverCache 0 0\n" . vhosts($httpd->port));
$httpd->start;
is found('/iiif/3'), "$SIZE{'map.jpg'} query", 'where nothing is remembered, each is asked' for 1 .. 3;
$httpd->stop;

# -- connections that do not last
$httpd->configure("$SITES$ONE_CHILD\nDBDPersist Off\nIIIFResolverCache 100 1\n" . vhosts($httpd->port));
$httpd->start;
is found('/iiif/3'), "$SIZE{'map.jpg'} query", 'a connection for each question';
rename "$databases/main.db", "$databases/away.db" or die $!;
chmod 0555, "$databases" or die $!;
sleep 1.1;
is found('/iiif/3'), "$SIZE{'map.jpg'} grace", '  and the file is away';
chmod 0755, "$databases" or die $!;
rename "$databases/away.db", "$databases/main.db" or die $!;
ok IIIF::PrivateHttpd::until_true(sub { found('/iiif/3') eq "$SIZE{'map.jpg'} query" }), '  and back';
$httpd->stop;

# -- children share what they know; under every MPM
for my $mpm (qw(prefork worker event)) {
    my $several = IIIF::PrivateHttpd->new(mpm => $mpm, without => ['http2_module']);
    my $children = $mpm eq 'prefork' ? "StartServers 4\n" : "StartServers 3\nServerLimit 3\nThreadsPerChild 8\nMaxRequestWorkers 24\nMinSpareThreads 24\nMaxSpareThreads 24\n";
    $several->configure("$SITES$children\nIIIFResolverCache 1000 600\n" . vhosts($several->port));
    $several->start;
    local $IIIF::Client::PORT = $several->port;
    is found('/iiif/1'), "$SIZE{'plain.jpg'} query", "$mpm: a question";
    my %seen;
    ok IIIF::PrivateHttpd::until_true(sub { my $now = at_once('/iiif/1/info.json', 12); $seen{$_} += $now->{$_} for keys %$now; $seen{'200 shared'} }),
        '  is answered to other children by what they share';
    is $seen{'200 query'} // 0, 0, '  who do not ask it again';
    is found('/iiif/4'), "$SIZE{'plain.jpg'} query", '  another question';
    $several->stop;
    is join("\n", grep { /exit signal|:(?:crit|alert|emerg)\]/ } split /\n/, $several->error_log), '', '  and a quiet end';
}

# -- without a provider each process remembers on its own, and says so
my $alone = IIIF::PrivateHttpd->new;
$alone->configure(($SITES =~ s/^LoadModule socache_shmcb.*\n//mr) . $ONE_CHILD . vhosts($alone->port));
$alone->start;
$IIIF::Client::PORT = $alone->port;
is found('/iiif/1'), "$SIZE{'plain.jpg'} query", 'no provider: asked';
is found('/iiif/1'), "$SIZE{'plain.jpg'} memory", '  and remembered';
is scalar(() = $alone->error_log =~ /:notice\].*IIIF0021: .*mod_socache_shmcb is not loaded/g), 1, '  which is said once';
done_testing;
