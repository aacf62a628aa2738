#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Tiles that cost no decoding, beside static files of the same bytes, asked for in the same order, from the same httpd,
# and beside iipsrv on the same TIFFs. Of each pair the ratios count: what the machine does otherwise meets both sides.
# Goals stand beside the figures; nothing is asserted about times.
#
#   make -f Makefile.apxs bench            everything, some ten minutes at most
#   BENCH_SCALE=0.1 make -f Makefile.apxs bench    a tenth of the requests, one round: to see that it works
#   PROVE=perl apxs-build/run-tests t/bench/tiles.pl memory calls     these sections alone (their table is at the end)
#
# Columns: c connections, requests a second, the time within which 99 of 100 answers are complete, and what the server
# (with iipsrv, where that answers) spends of the processor for one; each with its ratio to the first line of its group.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Cwd qw(getcwd);
use List::Util qw(min shuffle);
use Time::HiRes qw(sleep time);
use IIIF::Load qw(measured load write_list get_all median compare processes memory slurp spew header_line table_line);
use IIIF::Iipsrv ();
use IIIF::PrivateHttpd ();

$| = 1;
my $SCALE = $ENV{BENCH_SCALE} // 1;
my $ROUNDS = $SCALE < 1 ? 1 : 5;
my @CONNECTIONS = (1, 8, 32);
my $TILE = 256;
chomp(my $PROCESSORS = `nproc`);
my $SOURCES = getcwd() . '/apxs-build/bench/sources';
my $STORE = getcwd() . '/apxs-build/bench/store';

sub conf_of {
    my ($children) = @_;
    return measured($children, 64) . <<"CONF";
EnableSendfile On
AddType image/jpeg .jpg
AddType application/json .json
<Directory />
    AllowOverride None
</Directory>
<Directory ${\ getcwd() }/apxs-build/bench>
    Require all granted
</Directory>
IIIFImageRoot /iiif $SOURCES
IIIFImageRoot /stored $SOURCES
<Location /stored>
    IIIFTileStore $STORE
</Location>
CONF
}

my $CONF = conf_of(2);

srand 20;    # the same order each time

# -- which tiles there are ----------------------------------------------------------------------

# Of a source of so many pixels, at a level, the tiles in these columns and rows: number and path of each.
sub tiles {
    my ($name, $full, $level, $columns, $rows) = @_;
    my $scale = 1 << $level;
    my @side = map { ($_ + $scale - 1) >> $level } @$full;
    my @found;

    for my $y (@$rows) {
        for my $x (@$columns) {
            my @at = ($x * $TILE * $scale, $y * $TILE * $scale);
            my @region = map { min($TILE * $scale, $full->[$_] - $at[$_]) } 0, 1;
            my @size = map { min($TILE, $side[$_] - ($x, $y)[$_] * $TILE) } 0, 1;
            push @found, { name => $name, level => $level, x => $x, y => $y, columns => int(($side[0] + $TILE - 1) / $TILE),
                parameters => join('/', join(',', @at, @region), join(',', @size), '0', 'default.jpg') };
        }
    }
    return @found;
}

sub dimensions {
    my ($name) = @_;
    return [ map { scalar `vipsheader -f $_ $SOURCES/$name` + 0 } qw(width height) ];
}

# All tiles of a pyramid that no edge cuts.
sub interior {
    my ($name) = @_;
    my $full = dimensions($name);
    return map {
        my $level = $_;
        my ($columns, $rows) = map { ($_ >> $level) / $TILE } @$full;
        tiles($name, $full, $level, [ 0 .. $columns - 1 ], [ 0 .. $rows - 1 ])
    } 0 .. 6;
}

# Those of a ribbon's last column, or row, at the levels where a side is exactly half of the one before.
sub cut {
    my ($name) = @_;
    my $full = dimensions($name);
    return map {
        my $level = $_;
        my @last = map { int((($_ >> $level) - 1) / $TILE) } @$full;
        $full->[0] < $full->[1] ? tiles($name, $full, $level, [ $last[0] ], [ 0 .. $last[1] ])
            : tiles($name, $full, $level, [ 0 .. $last[0] ], [ $last[1] ])
    } 0 .. 2;
}

sub every {
    my ($name) = @_;
    my $full = dimensions($name);
    return map {
        my $level = $_;
        my @last = map { int(((($_ - 1) >> $level)) / $TILE) } @$full;
        tiles($name, $full, $level, [ 0 .. $last[0] ], [ 0 .. $last[1] ])
    } 0 .. 3;
}

sub some {
    my ($most, @tiles) = @_;
    @tiles = shuffle @tiles;
    return @tiles[ 0 .. min(scalar @tiles, int($most * $SCALE)) - 1 ];
}

sub iiif_path { return "/iiif/$_[0]{name}/$_[0]{parameters}" }

# -- sections -----------------------------------------------------------------------------------

my $httpd = IIIF::PrivateHttpd->new(conf => $CONF);
my $directory = $httpd->directory;

# A run on a server that remembers nothing of its sources, but has its threads.
my $warm = write_list("$directory/warm.list", ('/warm.txt') x 2000);
sub fresh {
    $httpd->stop;
    $httpd->start;
    load($httpd, { name => 'warm up', list => $warm }, 32);
    return;
}

# Get each path through the module and keep the bytes as a static file; how the module made them is said.
# The lists of both.
sub copied {
    my ($group, $what, @paths) = @_;
    my ($number, @static, %plans) = (0);

    $httpd->stop;
    unlink "$directory/plans";
    $httpd->configure($CONF . "CustomLog $directory/plans \"%{iiif-plan}n\"\n");
    $httpd->start;
    get_all($httpd, '', sub {
        my ($path, undef, $body) = @_;
        push @static, sprintf '/%s/%d/%d.jpg', $group, $number / 1000, $number % 1000;
        spew("$directory/htdocs$static[-1]", $body);
        ++$number;
    }, @paths);
    $httpd->stop;
    open my $log, '<', "$directory/plans" or die "plans: $!\n";
    chomp(my @plans = <$log>);
    ++$plans{$_} for @plans;
    printf "\n%s: %d, sent as %s\n", $what, scalar @paths, join ', ', map { "$_ $plans{$_}" } sort keys %plans;
    $httpd->configure($CONF);
    return (write_list("$directory/$group.static", @static), write_list("$directory/$group.module", @paths));
}

sub show {
    my ($kinds, %how) = @_;
    print header_line();
    for my $connections (@CONNECTIONS) {
        my @figures = compare($httpd, rounds => $ROUNDS, %how, connections => $connections, kinds => $kinds);
        print map { table_line($kinds->[$_], $connections, $figures[$_]) } 0 .. $#$kinds;
    }
    return;
}

sub raw_tiles {
    my @tiles = some(12000, map { interior("big$_.tif") } 1 .. 3);
    my ($static, $module) = copied('interior', 'raw tiles, each asked once, all levels of 3 pyramids',
        map { iiif_path($_) } @tiles);
    show([ { name => 'static files of the same bytes', list => $static },
            { name => 'raw tiles', list => $module, goal => '0.85 of req/s' } ], fresh => \&fresh);
    return;
}

sub edge_tiles {
    my @tiles = some(8400, map { cut("$_.tif") } map { ("tall$_", "wide$_") } 1 .. 3);
    my ($static, $module) = copied('edge', 'edge tiles, each asked once, right and bottom',
        map { iiif_path($_) } @tiles);
    show([ { name => 'static files of the same bytes', list => $static }, { name => 'edge tiles', list => $module } ],
        fresh => \&fresh);
    return;
}

# The stored file of a tile: x_files/LEVEL/COLUMN_ROW.jpg, the largest level being that of one pixel a pixel.
sub stored_path {
    my ($tile, $top) = @_;
    return sprintf '/store/x_files/%d/%d_%d.jpg', $top - $tile->{level}, $tile->{x}, $tile->{y};
}

sub stored_tiles {
    my $full = dimensions('x.jpg');
    my $top = 0;
    ++$top while 1 << $top < ($full->[0] > $full->[1] ? $full->[0] : $full->[1]);
    my @tiles = some(1e9, every('x.jpg'));
    @tiles = (@tiles) x 3 if $SCALE >= 1;
    symlink $STORE, "$directory/htdocs/store" or die "store: $!\n";
    my $files = write_list("$directory/stored.files", map { stored_path($_, $top) } @tiles);
    my (undef, $module) = copied('stored', 'pre-made tiles, Deep Zoom',
        map { "/stored/x.jpg/$_->{parameters}" } @tiles);
    $httpd->start;
    show([ { name => 'the stored files by themselves', list => $files },
            { name => 'the same through the module', list => $module, goal => '0.85 of req/s' } ]);
    return;
}

sub info_json {
    my $path = '/iiif/big1.tif/info.json';
    my $times = 10000 * $SCALE;
    $httpd->stop;
    $httpd->start;
    get_all($httpd, '', sub { spew("$directory/htdocs/info.json", $_[2]) }, $path);
    print "\ninfo.json\n";
    my $static = write_list("$directory/info.static", ('/info.json') x $times);
    my $module = write_list("$directory/info.module", ($path) x $times);
    show([ { name => 'static file of the same bytes', list => $static }, { name => 'info.json', list => $module } ]);
    return;
}

sub kind_304 {
    my ($name, $list, $path) = @_;
    my $etag;
    get_all($httpd, '', sub { ($etag) = $_[1] =~ /^ETag: (\S+)/mi or die "$path: no ETag\n" }, $path);
    return { name => $name, status => 304, header => "If-None-Match: $etag",
        list => write_list("$directory/$list", ($path) x (10000 * $SCALE)) };
}

sub not_modified {
    my ($tile) = interior('big1.tif');
    $httpd->stop;
    $httpd->start;
    print "\nnot modified\n";
    show([ kind_304('304 of a static file', '304.static', '/warm.txt'),
            kind_304('304 of a raw tile', '304.module', iiif_path($tile)) ]);
    return;
}

# -- iipsrv -------------------------------------------------------------------------------------

# The number of a tile and of its level, as iipsrv counts.
sub jtl_path {
    my ($tile, $levels) = @_;
    return sprintf '/iipsrv/iipsrv.fcgi?FIF=%s&JTL=%d,%d', $tile->{name}, $levels - 1 - $tile->{level},
        $tile->{y} * $tile->{columns} + $tile->{x};
}

sub iipsrv_iiif_path {
    my ($tile) = @_;
    return "/iipsrv/iipsrv.fcgi?IIIF=$tile->{name}/" . ($tile->{parameters} =~ s{/(\d+),\d+/}{/$1,/}r);
}

sub iipsrv_paths {
    my (@tiles) = @_;
    my $levels = 1 + `vipsheader -f n-pages $SOURCES/$tiles[0]{name}` - 1;
    return (JTL => [ map { jtl_path($_, $levels) } @tiles ], IIIF => [ map { iipsrv_iiif_path($_) } @tiles ]);
}

# Each way to run it, by each of its interfaces, tried shortly: the configuration and list of the fastest.
sub fastest_iipsrv {
    my ($name, $iipsrv, %paths) = @_;
    my $best = { rate => 0 };

    for my $way ($iipsrv->ways) {
        my ($what, $conf) = @$way;
        $httpd->stop;
        $httpd->configure($CONF . $conf);
        $httpd->start;
        for my $interface (sort keys %paths) {
            my $list = write_list("$directory/iipsrv.$interface", @{ $paths{$interface} });
            my $half = min(600, @{ $paths{$interface} } / 2);    # the first half starts the processes
            my $woken = write_list("$directory/iipsrv.wake", @{ $paths{$interface} }[ 0 .. $half - 1 ]);
            my $tried = write_list("$directory/iipsrv.try", @{ $paths{$interface} }[ $half .. 2 * $half - 1 ]);
            my $kind = { name => "$name, $what, $interface", list => $list, wake => $woken, conf => $conf,
                beside => [ $iipsrv->pids ], paths => $paths{$interface} };
            load($httpd, { %$kind, list => $woken }, 8);
            $kind->{rate} = load($httpd, { %$kind, list => $tried }, 8)->{rate};
            printf "  %-42s %6.0f req/s at 8 connections\n", $kind->{name}, $kind->{rate};
            $best = $kind if $kind->{rate} > $best->{rate};
        }
    }
    return $best;
}

# Releases of iipsrv since 1.2 send tiles as they are stored, and none is packaged. What no program behind FastCGI can
# reach tells what they can reach at most: one that has a tile in memory, and sends it without looking at the request.
sub at_most {
    my ($tile) = @_;
    my $file = "$directory/tile.jpg";
    get_all($httpd, '', sub { spew($file, $_[2]) }, iiif_path($tile));
    return IIIF::Iipsrv->new($httpd, $SOURCES, $PROCESSORS, program => getcwd() . '/apxs-build/lib/bench/fcgi_null',
        environment => { TILE => $file });
}

sub beside_iipsrv {
    my @tiles = some(2500, map { interior("big$_.tif") } 1 .. 3);
    my %paths = iipsrv_paths(@tiles);
    my $raw = { name => 'raw tiles', list => write_list("$directory/beside", map { iiif_path($_) } @tiles), goal => '3 of req/s' };
    my $iipsrv = IIIF::Iipsrv->new($httpd, $SOURCES, $PROCESSORS);

    $httpd->stop;
    $httpd->start;
    my $null = at_most($tiles[0]);
    printf "\nraw tiles beside iipsrv %s: %d tiles, each asked once; goal: 3 times as many\n", $iipsrv->version, scalar @tiles;
    for my $other ([ 'iipsrv', $iipsrv, %paths ], [ 'FastCGI at most', $null, JTL => $paths{JTL} ]) {
        my $fastest = fastest_iipsrv(@$other);
        $httpd->stop;
        $httpd->configure($CONF . $fastest->{conf});
        print "  the fastest of these:\n";
        show([ $fastest, $raw ], rounds => min(3, $ROUNDS),
            fresh => sub { fresh(); load($httpd, { %$fastest, list => $fastest->{wake} }, 8) });
        $other->[1]->stop;
    }
    $httpd->stop;
    $httpd->configure($CONF);
    return;
}

# -- memory, system calls -----------------------------------------------------------------------

# RSS and PSS of a fresh server's child after each tenth of the requests. One child: of several, one may come to its
# first requests late, and remember its sources then.
sub memory_after {
    my ($step, @paths) = @_;

    $httpd->stop;
    $httpd->configure(conf_of(1));
    $httpd->start;
    return map {
        my @asked = map { shuffle @paths } 0 .. $step / @paths;
        load($httpd, { name => 'memory', list => write_list("$directory/memory", @asked[ 0 .. $step - 1 ]) }, 8);
        [ memory($httpd) ]
    } 1 .. 10;
}

sub memory_used {
    my @paths = map { my $number = $_; map { "/iiif/many%2F$number.tif/$_->{parameters}" } interior('many/1.tif') } 1 .. 50;
    my $step = int(20000 * $SCALE);

    printf "\nmemory of a child in MB, while %d raw tiles are sent of 50 sources, and as many static files\n", 10 * $step;
    my @raw = memory_after($step, @paths);
    my @static = memory_after($step, '/warm.txt');
    printf "%10s %10s %10s %12s %10s\n", 'requests', 'RSS', 'PSS', 'static: RSS', 'PSS';
    printf "%10d %10.1f %10.1f %12.1f %10.1f\n", ($_ + 1) * $step, @{ $raw[$_] }, @{ $static[$_] } for 0 .. 9;
    printf "RSS of the last beside the first: %.3f (goal: 1), of static files %.3f\n", map { $_->[9][0] / $_->[0][0] } \@raw, \@static;
    $httpd->stop;
    $httpd->configure($CONF);
    return;
}

# What strace sees a server of one child do for the last of these paths, the others having been asked before.
sub system_calls {
    my ($what, @paths) = @_;
    my $child;
    IIIF::PrivateHttpd::until_true(sub { ($child) = processes($httpd) }) or die "the server has no child\n";
    my $trace = "$directory/strace";
    my $strace = fork // die "fork: $!\n";

    if (!$strace) {
        open STDERR, '>', "$trace.said" or die "strace: $!\n";
        exec 'strace', '-f', '-s', '40', '-o', $trace, '-p', $child or POSIX::_exit(1);
    }
    IIIF::PrivateHttpd::until_true(sub { -e "$trace.said" && slurp("$trace.said") =~ /attached/ });
    get_all($httpd, '', sub { sleep 0.1 }, @paths);
    kill 'INT', $strace;
    waitpid $strace, 0;

    my ($asked) = (slurp($trace) // '') =~ /.*(^[^\n]+"GET .*)/ms or die 'strace saw nothing: ' . slurp("$trace.said");
    my @calls = map { s/^\d+\s+//r } grep { !/resumed|exited/ } split /\n/, $asked;
    print "\n$what, what the server does for it:\n", map { '  ' . substr($_, 0, 130) . "\n" } @calls;
    return;
}

sub what_is_done {
    my @tiles = some(20 / $SCALE, tiles('big1.tif', dimensions('big1.tif'), 0, [ 0 .. 100 ], [ 0 .. 50 ]));
    $httpd->stop;
    $httpd->configure(conf_of(1));
    $httpd->start;
    my $number = 0;
    get_all($httpd, '', sub { spew("$directory/htdocs/calls/" . $number++ . '.jpg', $_[2]) },
        map { iiif_path($_) } splice @tiles, 0, 10);
    system_calls('a raw tile, others of its level having been sent', map { iiif_path($_) } @tiles);
    system_calls('a static file', map { "/calls/$_.jpg" } 0 .. $number - 1);
    $httpd->stop;
    $httpd->configure($CONF);
    return;
}

# -- the report ---------------------------------------------------------------------------------

my @SECTIONS = (
    [ raw    => \&raw_tiles ],
    [ edge   => \&edge_tiles ],
    [ stored => \&stored_tiles ],
    [ info   => \&info_json ],
    [ 304    => \&not_modified ],
    [ iipsrv => \&beside_iipsrv ],
    [ memory => \&memory_used ],
    [ calls  => \&what_is_done ],
);
my %wanted = map { $_ => 1 } @ARGV ? @ARGV : map { $_->[0] } @SECTIONS;
my $started = time;

printf "%d processors, load average %s", $PROCESSORS, slurp('/proc/loadavg');
spew("$directory/htdocs/warm.txt", "warm\n");
$_->[1]->() for grep { $wanted{ $_->[0] } } @SECTIONS;
printf "\nall of this took %.0f seconds\n", time - $started;
