# SPDX-License-Identifier: Apache-2.0
# iiifctl info URL --conf: what httpd would answer is what it does answer, once it is started with that configuration.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use File::Copy qw(copy);
use File::Path qw(make_path);
use IIIF::Client qw(get);
use IIIF::Ctl qw($FIXTURES $SCRATCH place ctl objects);
use IIIF::PrivateHttpd qw(slurp spew);
use JSON::PP qw(decode_json);
use Test::More;

my $HTTPD = IIIF::PrivateHttpd::httpd();
my $store = place();

# -- one configuration, told and served ---------------------------------------------------------

my $httpd = IIIF::PrivateHttpd->new(conf => <<"CONF");
<Directory "$FIXTURES">
    Require all granted
</Directory>
<VirtualHost *>
    ServerName first.example
    Define ROOT $FIXTURES
    IIIFImageRoot /iiif "\${ROOT}"
    Redirect permanent /moved http://second.example/
    <Location /iiif/3/small.jpg>
        IIIFMaxWidth 77
        IIIFRights http://creativecommons.org/licenses/by/4.0/
    </Location>
    <Location /iiif/3/gray.jpg>
        Require all denied
    </Location>
    <If "%{QUERY_STRING} == 'small'">
        IIIFMaxHeight 11
    </If>
</VirtualHost>
<VirtualHost *>
    ServerName second.example
    ServerAlias *.second.example
    <Location /other>
        IIIFImageRoot "$FIXTURES"
        IIIFVersions 2
        IIIFTileSize 128
        IIIFFallback notfound
        IIIFTileStore "$store"
    </Location>
</VirtualHost>
CONF
my $CONF = $httpd->directory . '/httpd.conf';
my @CONF = ('--conf', $CONF, '--httpd', $HTTPD);

$httpd->start;
$IIIF::Client::PORT = $httpd->port;
for my $row ([ 'first.example', '/iiif/3/small.jpg' ], [ 'first.example', '/iiif/3/map.jpg', '?small' ], [ 'first.example', '/iiif/plain.jpg' ],
    [ 'first.example', '/iiif/2/plain.jpg' ], [ 'first.example', '/iiif/dot' ], [ 'nobody.example', '/iiif/plain.jpg' ],
    [ 'second.example', '/other/plain.jpg' ], [ 'a.second.example', '/other/2/small.jpg' ]) {
    my ($host, $path, $query) = (@{$row}, '');
    my $authority = $host . ':' . $httpd->port;
    my $served = get("$path/info.json$query", Host => $authority);
    my ($code, $told) = objects('info', "http://$authority$path/info.json$query", @CONF);

    is $served->code, 200, "$host $path is served";
    is $code, 0, '  iiifctl tells it';
    is_deeply $told->{info}, decode_json($served->content), '  the same';
}
$httpd->stop;

# -- what is no info.json -----------------------------------------------------------------------

my ($first, $second) = map { "http://$_.example:" . $httpd->port } qw(first second);
for my $row ([ qr{answer 404 Not Found: no image has}, "$second/other/no-such.jpg" ], [ qr/answer 403 Forbidden/, "$first/iiif/3/gray.jpg" ],
    [ qr{answer 301 Moved Permanently, to http://second\.example/}, "$first/moved/info.json" ],
    [ qr/answer 404 Not Found: mod_iiif_image leaves it/, "$first/index.html" ]) {
    my ($said, $url) = @{$row};
    my ($code, $out, $err) = ctl('info', $url, @CONF);
    is "$code$out", '1', "$url is no success";
    like $err, qr/iiifctl info: \Q$url\E.* would $said/, '  and says what httpd would say';
    my ($json, $told) = objects('info', $url, @CONF);
    is $json, 1, '  nor for machines';
    like "$told->{url} $told->{error}", qr/^\Q$url\E.* would $said/, '  which are told the same';
}

my @images = objects('info', "$first/iiif/3/small.jpg", @CONF);
is_deeply [ objects('info', "$first/iiif/3/small.jpg$_", @CONF) ]->[1]{info}, $images[1]{info}, "a base URI, '$_' behind it" for '', '/';
is +(objects('info', '/iiif/small.jpg', @CONF))[1]{info}{id}, "$first/iiif/small.jpg", 'a path alone is asked of the first virtual host';
is +(objects('info', 'https://first.example/iiif/small.jpg', @CONF))[1]{info}{id}, 'https://first.example/iiif/small.jpg', 'https is told apart';
my ($shown, $text) = ctl('info', '/iiif/small.jpg', @CONF);
is $shown, 0, 'for people, too';
like $text, qr{\Aurl +/iiif/small\.jpg/info\.json\ninfo\.json +\{\n.*"ImageService3"}s, '  as text';

# -- images that a database knows ---------------------------------------------------------------

{
    my $database = "$SCRATCH/media.db";
    chomp(my $modules = `apxs -q LIBEXECDIR`);
    open my $sqlite, '|-', 'sqlite3', '-bail', $database or die "sqlite3: $!\n";
    print {$sqlite} "CREATE TABLE media (id INTEGER PRIMARY KEY, path TEXT, is_public);\n",
        "INSERT INTO media VALUES (10, 'small.jpg', 1), (11, 'plain.jpg', 0), (12, 'gray.jpg', 1);\n";
    close $sqlite or die "sqlite3 failed: $?\n";
    my $site = IIIF::PrivateHttpd->new(conf => <<"CONF");
LoadModule dbd_module $modules/mod_dbd.so
LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
<Directory "$FIXTURES">
    Require all granted
</Directory>
IIIFResolver dbd
IIIFQuery "SELECT path, is_public FROM media WHERE id = {id}"
DBDriver sqlite3
DBDParams "$database"
<VirtualHost *>
    ServerName first.example
    IIIFImageRoot /iiif "$FIXTURES"
</VirtualHost>
CONF
    my @by = ('--conf', $site->directory . '/httpd.conf', '--httpd', $HTTPD);
    for my $running (0, 1) {
        $site->start if $running;
        $IIIF::Client::PORT = $site->port;
        my $authority = 'first.example:' . $site->port;
        my ($code, $told) = objects('info', "http://$authority/iiif/3/10", @by);
        is $code, 0, 'an image that a database knows is told' . ($running ? ' beside the running server' : '');
        is $told->{info}{id}, "http://$authority/iiif/3/10", '  by its number';
        is_deeply $told->{info}, decode_json(get('/iiif/3/10/info.json', Host => $authority)->content), '  as it is served' if $running;
        for my $id (11, 13) {
            my ($exit, undef, $err) = ctl('info', "http://$authority/iiif/3/$id", @by);
            is $exit, 1, "  $id, which is private or unknown, is not";
            like $err, qr/leaves it to the rest/, '    and the rest of httpd has it';
        }
    }
    $site->stop;
}


# -- who may see it -----------------------------------------------------------------------------

my $rules = "$SCRATCH/rules";
make_path("$rules/ht");
chomp(my $line = `openssl passwd -apr1 'open sesame'`);
spew("$rules/passwords", "reader:$line\n");
is system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tls.example -out $rules/cert.pem -keyout $rules/key.pem 2>$rules/said"), 0,
    'a certificate';
spew("$rules/ht/.htaccess", "SSLRequireSSL\n");
for my $place ($rules, "$rules/ht") {
    copy("$FIXTURES/small.jpg", "$place/small.jpg") or die "small.jpg: $!\n";
}
my $guarded = IIIF::PrivateHttpd->new;
my $secure = IIIF::PrivateHttpd::free_port();
my $valid = join "\n", 'AuthName x', "AuthUserFile \"$rules/passwords\"", 'Require valid-user';
my %GUARDS = (
    basic  => "AuthType Basic\n$valid",
    digest => "AuthType Digest\n$valid",
    any    => "AuthType Basic\n$valid\nOrder deny,allow\nDeny from all\nAllow from 127.0.0.1\nSatisfy any",
    both   => "AuthType Basic\n$valid\nOrder deny,allow\nDeny from all\nAllow from 127.0.0.1\nSatisfy all",
    denied => 'Deny from all',
    env    => 'Require env known',
    tls    => 'SSLRequireSSL',
    ssl    => 'Require ssl',
    not    => "<RequireAll>\n    Require not ssl\n    Require all granted\n</RequireAll>",
    expr   => q(Require expr "%{HTTPS} == 'on'"),
);
$guarded->configure($guarded->load(qw(auth_digest access_compat authz_groupfile ssl socache_shmcb)) . <<"CONF" . join '', map { <<"GUARD" } sort keys %GUARDS);
Listen 127.0.0.1:$secure https
SetEnvIf Request_URI /env/ known
<Directory "$rules">
    Require all granted
    AllowOverride All
</Directory>
IIIFImageRoot /free "$rules"
<VirtualHost *:$secure>
    ServerName tls.example
    SSLEngine on
    SSLCertificateFile "$rules/cert.pem"
    SSLCertificateKeyFile "$rules/key.pem"
</VirtualHost>
CONF
IIIFImageRoot /$_ "$rules"
<Location /$_>
    $GUARDS{$_}
</Location>
GUARD
my @GUARDED = ('--conf', $guarded->directory . '/httpd.conf', '--httpd', $HTTPD);

# What httpd says, and what it is told to say
sub answers {
    my ($url) = @_;
    chomp(my $real = `curl --silent --insecure --max-time 60 --output /dev/null --write-out '%{http_code}' '$url'`);
    my ($code, $out, $err) = ctl('info', $url, @GUARDED);
    return ($real, $code ? $err =~ /would answer (\d{3})/ : 200, $err);
}

$guarded->start;
for my $origin ('http://127.0.0.1:' . $guarded->port, "https://127.0.0.1:$secure") {
    for my $guard ('free', sort keys %GUARDS) {
        my ($real, $told, $why) = answers("$origin/$guard/3/small.jpg/info.json");
        is $told, $real, "$origin/$guard is $real";
        like $why, qr/SSLRequireSSL asks for a TLS connection/, '  and why' if $guard eq 'tls' && $real == 403;
    }
}
my @seen = map { (answers("https://127.0.0.1:$secure/$_/3/small.jpg/info.json"))[0] } qw(basic digest any both denied env tls ssl not expr);
is "@seen", '401 401 200 401 403 200 200 200 403 200', 'these are the answers of httpd';
my ($real, $told, $why) = answers("https://127.0.0.1:$secure/free/3/ht%2Fsmall.jpg/info.json");
is "$real $told", '200 403', 'a rule of mod_ssl in .htaccess is not seen through';
like $why, qr/SSLRequireSSL asks for a TLS connection, and this request has none/, '  and that is said';
$guarded->stop;

# -- what is wrong ------------------------------------------------------------------------------

spew("$SCRATCH/broken.conf", slurp($CONF) . "IIIFMaxWidth many\n");
spew("$SCRATCH/other.conf", slurp($CONF) =~ s/^(?:LoadModule iiif_image|\s*IIIF).*\n//gmr);
for my $row ([ 1, qr/IIIFMaxWidth.*does not take it/s, '/iiif/x', '--conf', "$SCRATCH/broken.conf", '--httpd', $HTTPD ],
    [ 1, qr/no answer; does it load mod_iiif_image/, '/iiif/x', '--conf', "$SCRATCH/other.conf", '--httpd', $HTTPD ],
    [ 1, qr{$SCRATCH/none\.conf.*does not take it}s, '/iiif/x', '--conf', "$SCRATCH/none.conf", '--httpd', $HTTPD ],
    [ 1, qr{No such file.*/no-such/httpd}s, '/iiif/x', '--conf', $CONF, '--httpd', '/no-such/httpd' ],
    [ 2, qr/neither/, 'iiif/x', @CONF ], [ 2, qr/neither/, 'ftp://first.example/iiif/x', @CONF ], [ 2, qr/neither/, 'http:///x', @CONF ],
    [ 2, qr/neither/, 'http://first.example:65536/iiif/x', @CONF ], [ 2, qr/neither/, 'http://first.example:x/iiif/x', @CONF ],
    [ 2, qr/neither/, '//first.example/iiif/x', @CONF ],
    [ 2, qr/--json alone/, '/iiif/x', '--api', 2, @CONF ], [ 2, qr/for --conf/, "$FIXTURES/small.jpg", '--httpd', $HTTPD ],
    [ 2, qr/one URL/, '/iiif/x', '/iiif/y', @CONF ]) {
    my ($want, $said, @arguments) = @{$row};
    my ($code, $out, $err) = ctl('info', @arguments);
    my ($json, $told) = objects('info', @arguments);
    is "$code$out", $want, "info @arguments: exit code $want";
    like $err, $said, '  and says why';
    is $json, $code, '  the same with --json';
    is defined $told->{error} ? 1 : 0, $want == 1 ? 1 : 0, '  and an error as an object, unless the command line is wrong';
}
is -e $httpd->directory . '/httpd.pid' ? 1 : 0, 0, 'no server was started';
is_deeply [ glob "$SCRATCH/iiifctl-*" ], [], 'and nothing is left';

done_testing;
