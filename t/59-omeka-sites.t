# SPDX-License-Identifier: Apache-2.0
# Sites of Omeka S that are not like the usual one: databases with names that need quotes, several below one host name,
# identifiers that several resources have, a user who sees some of the tables alone, and directories that have two names.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Temp ();
use IIIF::Client qw(get plan_of);
use IIIF::MariaDb ();
use IIIF::Omeka ();
use IIIF::PhpServer ();
use IIIF::PrivateHttpd ();

my $WHOLE = 'full/max/0/default.jpg';

my $directory = File::Temp->newdir(TMPDIR => 1);
chmod 0755, $directory or die "$directory: $!\n";
my $database = IIIF::MariaDb->new;
my $omeka = IIIF::Omeka->new(mariadb => $database, directory => "$directory/omeka", many => 5);
my $other = IIIF::Omeka->new(mariadb => $database, directory => "$directory/other", database => 'my-omeka', many => 5);
$other->install_access;
my $php = IIIF::PhpServer->new(2);
my $httpd = IIIF::PrivateHttpd->new;

sub one_pool { my ($conf) = @_; return $conf =~ s/dbname=my-omeka/dbname=omeka/r }

sub conf_of {
    my (@sites) = @_;
    return $httpd->load(qw(dbd socache_shmcb)) . $php->conf($httpd) . <<'CONF' . join '', map { "<VirtualHost *>\nServerName $_->[0].test\n$_->[1]</VirtualHost>\n" } @sites;
LogLevel iiif_image:debug
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}"
IIIFResolverCache 0 0
CONF
}

sub start {
    $httpd->stop;
    $httpd->configure(conf_of(@_));
    $httpd->start;
    return;
}

sub at { my ($site, $path) = @_; local $IIIF::Client::PORT = $httpd->port; return get($path, Host => "$site.test") }

# "omeka" or "iiiftile", or the status and how the module made the answer
sub who { my ($site, $path) = @_; my $response = at($site, $path); return $response->header('X-Answered-By') // plan_of($response) }

sub is_image {
    my ($site, $at, $claim) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is who($site, "$at/$WHOLE"), '200 render', $claim;
}

sub is_omekas {
    my ($site, $at, $claim) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is who($site, "$at/$WHOLE"), 'iiiftile', $claim;
    return is who($site, "$at/info.json"), 'omeka', '  its info.json, too';
}

sub said_of {
    my (@sites) = @_;
    my $before = length $httpd->error_log;
    $httpd->stop;
    $httpd->configure(conf_of(@sites));
    my ($status, $said) = $httpd->run('-t');
    return "$status $said" . substr $httpd->error_log, $before;
}

# -- databases ----------------------------------------------------------------------------------

start([ two => $omeka->conf('/first', OMEKA_SCHEMA => 'omeka') . one_pool($other->conf('/second', OMEKA_SCHEMA => 'my-omeka')) ],
    [ quoted => one_pool($other->conf('/', OMEKA_SCHEMA => '`my-omeka`')) ],
    [ spaced => $omeka->conf('/my%20omeka') =~ s{Alias /my%20omeka}{Alias "/my omeka"}r ],
    [ clean => one_pool($other->conf('/', OMEKA_SCHEMA => 'my-omeka', OMEKA_IDENTIFIER => 'clean', OMEKA_PROTECT_FILES => 'on')) ]);
is_image('two', '/second/iiif/3/' . $other->id('two'), 'a database whose name has a hyphen');
is_image('two', '/second/iiif/3/' . $other->id('embargo_over'), '  with the module Access: what is free');
is_omekas('two', '/second/iiif/3/' . $other->id($_), "  and what is $_") for qw(private forbidden embargoed reserved_item);
is_omekas('quoted', '/iiif/3/' . $other->id($_), "in quotes of one's own it is none: $_") for qw(two forbidden);
is_image('two', '/first/iiif/3/' . $omeka->id('forbidden'), 'the other site has no such rules');
is_image('clean', '/iiif/3/plan%207', 'by its identifier');
is_image('spaced', '/my%20omeka/iiif/3/' . $omeka->id('two'), 'a base path with a blank');
is at('clean', '/files/original/' . $other->media('two')->{path})->code, 200, 'its files are sent';
is at('clean', '/files/original/' . $other->media($_)->{path})->code, 403, "  but not what is $_" for qw(private forbidden);

like said_of([ two => $omeka->conf('/first') . $other->conf('/second') ]), qr/^1 .*IIIF0024: two\.test has several IIIFImageRoot.*Define OMEKA_SCHEMA/s,
    'two databases of one host are a mistake';
like said_of([ one => $omeka->conf('/first') ], [ two => $other->conf('/second') ]), qr/^0 /, '  of two hosts they are none';
like said_of([ two => $omeka->conf('/first') . $omeka->conf('/second') ]), qr/^0 /, '  nor is one that is told twice';
like said_of([ one => "DBDParams dbname=nothing\n" . $omeka->conf('/first') ]), qr/^0 /, '  nor what counts for nobody';

# -- identifiers that several resources have ----------------------------------------------------

start([ clean => $omeka->conf('/', OMEKA_IDENTIFIER => 'clean') ],
    [ case => $omeka->conf('/', OMEKA_IDENTIFIER => 'clean', OMEKA_PREFIX => 'MS ', OMEKA_CASE => 'on') ],
    [ access => $other->conf('/', OMEKA_IDENTIFIER => 'clean') ]);
for my $version ('', '/2', '/3') {
    is who('clean', "/iiif$version/$_->[0]"), $_->[1], "/iiif$version/$_->[0] alone: $_->[2]" for
        [ '13' => 'omeka', 'the manifest of an item' ], [ 'MS%2077' => 'omeka', 'the item and the media have it' ],
        [ 'ms%2077/' => 'omeka', '  in other letters, with a slash' ], [ 'shared' => 'omeka', 'three media have it' ],
        [ '12' => '303 redirect', 'nobody else has it' ], [ 'plan%207' => '303 redirect', '  nor that' ], [ '3' => '303 redirect', 'a media before a number' ];
}
is_image('clean', "/iiif/3/$_", "$_ with parameters is the image") for '13', 'MS%2077', 'shared', '12';
is at('clean', "/iiif/3/$_/info.json")->code . ' ' . plan_of(at('clean', "/iiif/3/$_/info.json")), '200 200 info', "  its info.json, $_" for '13', 'MS%2077';
is who('case', '/iiif/3/77'), 'omeka', 'behind a prefix, too';
is_image('case', '/iiif/3/77', '  and the image');
is who('case', '/iiif/3/plan%207'), 'omeka', 'where capitals count, it is nobody\'s in small letters';
is_image('clean', '/iiif/3/shared', 'of several media it is the first that is public');
is_omekas('access', '/iiif/3/shared', '  and where Access reserves that, not the next');

# -- a user who does not see all tables ---------------------------------------------------------

my @GRANTED = qw(resource item media vocabulary property value setting);
my $USER = q('some'@'localhost');
my $some = $other->conf('/') =~ s/user=omeka/user=some/r;
$database->sql("CREATE USER $USER IDENTIFIED BY 'secret';" . join('', map { "GRANT SELECT ON `my-omeka`.`$_` TO $USER;" } @GRANTED), 'mysql');
start([ some => $some ]);
is_omekas('some', '/iiif/3/' . $other->id($_), "without the list of modules nothing is answered: $_") for qw(two forbidden);
like $httpd->error_log, qr/IIIF0022: .*module/, '  and the log says why';
$database->sql("GRANT SELECT ON `my-omeka`.module TO $USER;", 'mysql');
start([ some => $some ]);
is_omekas('some', '/iiif/3/' . $other->id($_), "nor where it tells of Access, whose table is not seen: $_") for qw(two forbidden);
like $httpd->error_log, qr/IIIF0022: .*access_status/, '  and the log says why';
$database->sql("GRANT SELECT ON `my-omeka`.* TO $USER;", 'mysql');
start([ some => $some ]);
is_image('some', '/iiif/3/' . $other->id('two'), 'with the whole database it is');
is_omekas('some', '/iiif/3/' . $other->id('forbidden'), '  and what is forbidden is not');

# -- directories of two names -------------------------------------------------------------------

symlink 'omeka', "$directory/link" or die "no link: $!\n";
my $usual = $omeka->conf('/', OMEKA_PROTECT_FILES => 'on');
my %SPELLED = (
    same   => $usual,
    linked => $usual =~ s{\Q$directory\E/omeka}{$directory/link}gr,
    root   => $usual =~ s{DocumentRoot "\Q$directory\E/omeka}{DocumentRoot "$directory/link}r,
    define => $usual =~ s{OMEKA_DIR "\Q$directory\E/omeka}{OMEKA_DIR "$directory/link}r,
);
my $open = "<Directory $directory>\nRequire all granted\nAllowOverride All\nOptions FollowSymLinks\n</Directory>\n";
start(map { [ $_ => "$open$SPELLED{$_}" ] } sort keys %SPELLED);
my $private = $omeka->media('private');
for my $site (sort keys %SPELLED) {
    my $agree = $site eq 'same' || $site eq 'linked';
    is at($site, "/files/$_")->code, 403, "$site: /files/$_ is refused" for "original/$private->{path}", "tile/$private->{storage_id}.dzi", "tile/$private->{storage_id}_files/8/0_0.jpg";
    is at($site, '/files/original/' . $omeka->media('two')->{path})->code, $agree ? 200 : 403, '  what is public' . ($agree ? '' : ', too: nobody has asked for it');
    is_image($site, '/iiif/3/' . $omeka->id('two'), '  its image is there');
    is who($site, '/iiif/3/' . $omeka->id('deepzoom') . '/0,0,256,256/256,256/0/default.jpg'), '200 static', '  with its tiles';
    is_omekas($site, '/iiif/3/' . $omeka->id('private'), '  and that of what is private is not');
    is at($site, '/index.php')->header('X-Answered-By'), 'omeka', '  all else is as it was';
}
like $httpd->error_log, qr{:error\].*IIIF0033: Require iiif-public: \S+/link/files/original/\S+ is in \S+/omeka/files/original/, by another name}, 'the log says how the directory is to be spelled';

# -- directories elsewhere ----------------------------------------------------------------------

rename $omeka->directory . '/files/tile', $omeka->directory . '/files/zoom' or die "no zoom: $!\n";
start([ zoom => $omeka->conf('/', OMEKA_TILES => $omeka->directory . '/files/zoom', OMEKA_PROTECT_FILES => 'on') ]);
is who('zoom', '/iiif/3/' . $omeka->id('deepzoom') . '/0,0,256,256/256,256/0/default.jpg'), '200 static', 'another directory of tiles';
is at('zoom', "/files/zoom/$private->{storage_id}.dzi")->code, 403, '  is protected';
is at('zoom', '/files/zoom/' . $omeka->media('deepzoom')->{storage_id} . '.dzi')->code, 200, '  from what is private';
rename $omeka->directory . '/files', "$directory/store" or die "no store: $!\n";
start([ store => "Alias /files $directory/store\n" . $omeka->conf('/', OMEKA_FILES => "$directory/store", OMEKA_TILES => "$directory/store/zoom", OMEKA_PROTECT_FILES => 'on')
    . "<Directory $directory/store>\nRequire all granted\n</Directory>\n" ]);
is_image('store', '/iiif/3/' . $omeka->id('two'), 'another directory of files');
is at('store', "/files/original/$private->{path}")->code, 403, '  is protected, too';
is at('store', '/files/original/' . $omeka->media('two')->{path})->code, 200, '  from what is private';
$httpd->stop;
is join("\n", grep { /exit signal|:(?:crit|alert)\]/ } split /\n/, $httpd->error_log), '', 'no child has died';
done_testing;
