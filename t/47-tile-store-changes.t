# SPDX-License-Identifier: Apache-2.0
# Tiles made beforehand, while the server runs: stores come and go, go stale, and belong to an image that is no more; all
# children see it, at once or within the second that they may remember.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use IIIF::Client qw(get info plan_of);
use IIIF::Pixels qw(coordinates crop shows);
use IIIF::PrivateHttpd qw(slurp);
use POSIX ();
use Test::More;

my $TILES = 'apxs-build/fixtures/stored/tiles';
my @MADE = (4, 100);    # how far a sample of a rendered JPEG may be off, on average and at worst

my $CONF = <<'CONF';
Include ${TOP}/conf.d/iiif-image.conf
IIIFImageRoot /iiif ${WORK}/images
IIIFTileStore ${WORK}/tiles
<Directory ${WORK}/images>
    Require all granted
</Directory>
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}" "expr=-n note('iiif-plan')"
# children of one thread each
StartServers 5
MinSpareServers 5
MaxRequestWorkers 50
CONF

my $httpd = IIIF::PrivateHttpd->new(mpm => 'prefork', without => ['http2_module']);
my $work = $httpd->directory;
$httpd->configure("Define WORK $work\n" . $CONF);
mkdir "$work/$_" or die "$work/$_: $!\n" for qw(images tiles);
copy('apxs-build/fixtures/stored/images/limited.jpg', "$work/images/$_.jpg") for qw(coming stale turning);
age("$work/images/$_.jpg", 7200) for qw(coming stale turning);
$httpd->start;
{
    local $IIIF::Client::PORT = $httpd->port;
    my $tile = '/iiif/coming.jpg/0,0,128,128/128,128/0/default.jpg';
    my $inner = '/iiif/coming.jpg/128,128,128,128/128,128/0/default.jpg';

    is_deeply plans($tile), ['200 render'], 'there are no tiles yet';
    is info('/iiif/3/coming.jpg')->{tiles}[0]{width}, 512, '  and none are announced';
    copy("$TILES/limited_files", "$work/tiles/coming_files");
    copy("$TILES/limited.dzi", "$work/tiles/coming.dzi");
    ok soon($tile, '200 static'), 'a store that appears is used in all children';
    is info('/iiif/3/coming.jpg')->{tiles}[0]{width}, 128, '  and announced';
    is_deeply plans($inner), ['200 static'], '  with all its tiles';
    unlink "$work/tiles/coming_files/9/1_1.jpg" or die "no tile: $!\n";
    is_deeply plans($inner), ['200 render'], 'a tile that is gone is rendered at once';
    copy("$TILES/limited_files/9/2_1.jpg", "$work/tiles/coming_files/9/1_1.jpg");
    is_deeply plans($inner), ['200 static'], '  one that is there again is sent at once';
    ok get($inner)->content eq slurp("$TILES/limited_files/9/2_1.jpg"), '  as it is now';
    rename "$work/tiles/coming.dzi", "$work/tiles/elsewhere.dzi" or die "no descriptor: $!\n";
    ok soon($tile, '200 render'), 'a store that is removed is not used any more';
    is info('/iiif/3/coming.jpg')->{tiles}[0]{width}, 512, '  nor announced';
    copy('apxs-build/fixtures/stored/tiles/access/protected/pyramid.tif', "$work/tiles/coming.tif");
    ok soon($tile, '200 raw'), 'of a pyramid TIFF, tiles are sent raw';
    is info('/iiif/3/coming.jpg')->{tiles}[0]{width}, 128, '  and announced';
    shows($inner, crop(coordinates(481, 323, 64), 128, 128, 128, 128), @MADE, '  and right');
    age("$work/tiles/coming.tif", 60);
    pause();
    is_deeply plans("/iiif/coming.jpg/full/$_,/0/default.jpg"), ['200 render'], "  the whole, $_ pixels wide" for 200, 199;
    unlink "$work/tiles/coming.tif" or die "no pyramid: $!\n";
    is_deeply plans('/iiif/coming.jpg/full/198,/0/default.jpg'), ['200 render'], '  at once when it is gone, too';
    ok soon($tile, '200 render'), '  and it is rendered soon';
    is join("\n", grep { /IIIF0008/ } split /\n/, $httpd->error_log), '', 'of all this nothing is said';

    # stale: the image is newer
    copy("$TILES/limited_files", "$work/tiles/stale_files");
    copy("$TILES/limited.dzi", "$work/tiles/stale.dzi");
    age("$work/tiles/stale.dzi", 3600);
    age("$work/images/stale.jpg", 1800);
    is_deeply plans('/iiif/stale.jpg/0,0,128,128/128,128/0/default.jpg'), ['200 render'], 'a stale store is not used';
    plans("/iiif/stale.jpg/$_/128,128/0/default.jpg") for '0,0,128,128', '128,128,128,128';
    pause();
    plans('/iiif/stale.jpg/info.json');
    is complaints('stale.dzi'), 1, '  and complained of once by all children';
    age("$work/tiles/stale.dzi", 2400);
    ok soon_true(sub { plans('/iiif/stale.jpg/info.json'); complaints('stale.dzi') == 2 }), '  again when it has changed and is stale still';
    age("$work/tiles/stale.dzi", 0);
    ok soon('/iiif/stale.jpg/0,0,128,128/128,128/0/default.jpg', '200 static'), '  and used when it is new';
    is complaints('stale.dzi'), 2, '  without another word';

    # an image that is replaced leaves its tiles behind
    copy("$TILES/limited_files", "$work/tiles/turning_files");
    copy("$TILES/limited.dzi", "$work/tiles/turning.dzi");
    ok soon('/iiif/turning.jpg/0,0,128,128/128,128/0/default.jpg', '200 static'), 'tiles are used';
    copy('apxs-build/fixtures/stored/images/square.png', "$work/images/turning.jpg");
    age("$work/images/turning.jpg", -5);
    is_deeply plans('/iiif/turning.jpg/0,0,128,128/128,128/0/default.jpg'), ['200 render'], '  until the image is replaced: at once not any more';
    shows('/iiif/turning.jpg/0,0,128,128/128,128/0/default.jpg', crop(coordinates(640, 640, 128), 0, 0, 128, 128), @MADE, '  but the new image');
}
$httpd->stop;
is join("\n", grep { /:(?:error|crit|alert|emerg)\]|exit signal/ } split /\n/, $httpd->error_log), '', 'and the log has no errors';

# Whole or not at all, as those who look meanwhile see it
sub copy {
    my ($from, $to) = @_;
    system('cp', '-r', $from, "$to.new") == 0 or die "cp $from failed\n";
    rename "$to.new", $to or die "$to: $!\n";
    return;
}

# Seconds ago, or from now on
sub age {
    my ($path, $seconds) = @_;
    my $then = time - $seconds;
    utime $then, $then, $path or die "$path: $!\n";
    return;
}

# What the children say, many asked at once: the different plans
sub plans {
    my ($target) = @_;
    my @pipes = map {
        my $pid = open my $pipe, '-|';
        die "fork: $!\n" unless defined $pid;
        if (!$pid) {
            print plan_of(get($target)), "\n" for 1 .. 4;
            close STDOUT;
            POSIX::_exit(0);
        }
        $pipe;
    } 1 .. 5;
    my %seen;

    for my $pipe (@pipes) {
        chomp(my @said = <$pipe>);
        ++$seen{$_} for @said;
        close $pipe or die "a client died\n";
    }
    return [ sort keys %seen ];
}

sub soon {
    my ($target, $plan) = @_;
    return soon_true(sub { join(', ', @{ plans($target) }) eq $plan });
}

# Twice the second that a look at the store may be old, and some for a busy machine
sub soon_true {
    my ($condition) = @_;
    my $deadline = time + 5;

    until ($condition->()) {
        return 0 if time > $deadline;
        select undef, undef, undef, 0.1;
    }
    return 1;
}

sub pause {
    select undef, undef, undef, 1.2;
    return;
}

sub complaints {
    my ($file) = @_;
    return scalar(() = $httpd->error_log =~ m{IIIF0008: \S*\Q/$file\E is not used}g);
}

done_testing;
