# SPDX-License-Identifier: Apache-2.0
# Renders that are kept: the same answer as a fresh one, never a stale one, made once for all who ask at
# once; and a store that is full, gone or killed in the middle costs nobody an answer.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Copy qw(copy);
use File::Find qw(find);
use File::Path qw(make_path remove_tree);
use File::Temp ();
use IIIF::Client qw(ask get h2 dims_of info);
use IIIF::Load qw(processes);
use IIIF::PrivateHttpd qw(steady_children);
use IO::Socket::INET ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Time::HiRes qw(sleep time);

my $FIXTURES = 'apxs-build/fixtures/images';
my $BLOCK = 4096;
my $TRAILER = 16;
my @tests;

# -- a server with images and stores of its own

sub images {
    my $directory = File::Temp->newdir(TMPDIR => 1);
    for my $name (qw(plain.jpg plain.png map.jpg gray.jpg small.png)) {
        copy("$FIXTURES/$name", "$directory/$name") or die "$name: $!\n";
    }
    return $directory;
}

# /iiif keeps what it renders, /fresh renders the same each time
sub conf_of {
    my ($images, $store, %more) = @_;
    my $size = $more{size} // '64M';
    return <<"CONF";
Protocols h2c http/1.1
<Directory $images>
    Require all granted
</Directory>
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}" "expr=-n note('iiif-plan')"
Header always set X-IIIF-Store "expr=%{note:iiif-store}" "expr=-n note('iiif-store')"
IIIFImageRoot /iiif $images
IIIFImageRoot /fresh $images
<Location /iiif>
    IIIFDerivativeStore $store $size
</Location>
${\ ($more{conf} // '')}
CONF
}

sub server {
    my (%how) = @_;
    my $images = images();
    my $store = File::Temp->newdir(TMPDIR => 1);
    my $httpd = IIIF::PrivateHttpd->new(conf => conf_of($images, $store, %how));

    $httpd->start;
    $IIIF::Client::PORT = $httpd->port;
    return ($httpd, $images, $store);
}

# What became of a request: status, how it was answered, what the store had to do with it
sub fate {
    my ($response) = @_;
    return join ' ', $response->code, grep { defined } map { $response->header("X-IIIF-$_") } 'Plan', 'Store';
}

# All derivatives below a store
sub derivatives {
    my ($store) = @_;
    my @found;
    find({ no_chdir => 1, wanted => sub { push @found, $_ if -f && m{^\Q$store\E/[0-9a-f]{2}/} } }, "$store");
    @found = sort @found;
    return @found;
}

# What else there is, but for the two files that a store has
sub litter {
    my ($store) = @_;
    my @found;
    find({ no_chdir => 1, wanted => sub { push @found, $_ if -f && !m{^\Q$store\E/(?:[0-9a-f]{2}/|usage$|leases$)} } }, "$store");
    return join ' ', @found;
}

# Bytes, in whole blocks, directories too
sub held {
    my ($store) = @_;
    my $sum = 0;
    find({ no_chdir => 1, wanted => sub {
        return unless m{^\Q$store\E/[0-9a-f]{2}};
        $sum += -d $_ ? $BLOCK : $BLOCK * int(((-s $_ // 0) + $BLOCK - 1) / $BLOCK);
    } }, "$store");
    return $sum;
}

sub counted {
    my ($store) = @_;
    my ($bytes) = IIIF::PrivateHttpd::slurp("$store/usage") =~ /\Aiiif-derivatives 1 (\d{20})\n\z/;
    return defined $bytes ? $bytes + 0 : 'not counted';
}

# The image in a derivative's file; undef: it is not whole
sub image_in {
    my ($path) = @_;
    my $bytes = eval { IIIF::PrivateHttpd::slurp($path) };
    return '' if !defined $bytes && !-e $path;    # evicted since it was listed
    my $image = substr $bytes, 0, -$TRAILER;
    return length $bytes > $TRAILER && substr($bytes, -$TRAILER) eq sprintf('IIIF%012d', length $image) ? $image : undef;
}

# -- an answer from the store is the answer

my $TILE = '0,0,512,512/512,512/0/default.jpg';
my ($httpd, $images, $store) = server(conf => <<'CONF');
<Location /iiif>
    <If "%{QUERY_STRING} == 'better'">
        IIIFQuality jpg 97
    </If>
    <If "%{QUERY_STRING} == 'never'">
        IIIFDerivativeStore none
    </If>
</Location>
CONF

push @tests, sub {
    my $first = get("/iiif/plain.jpg/$TILE");
    my @kept = derivatives($store);
    my $second = get("/iiif/plain.jpg/$TILE");
    my $fresh = get("/fresh/plain.jpg/$TILE");

    is fate($first), '200 render stored', 'a tile of the grid is kept when it is first asked for';
    is scalar @kept, 1, '  in one file';
    like $kept[0], qr{^\Q$store\E/[0-9a-f]{2}/plain\.jpg/[0-9a-f]{32}/0,0,512,512_512,512_0_default\.jpg$}, '  under a name that tells what it is';
    ok image_in($kept[0]) eq $first->content, '  whole';
    is((stat $kept[0])[9], (stat "$images/plain.jpg")[9], '  as old as its source');
    is((stat $kept[0])[2] & 0777, 0600, '  for httpd alone');
    is fate($second), '200 static hit', 'the second time it is there';
    is fate($fresh), '200 render', 'without a store it is rendered';
    for my $other ($second, $fresh) {
        my $what = $other == $fresh ? 'fresh' : 'stored';
        ok $other->content eq $first->content, "the $what one has the same bytes";
        is $other->header($_), $first->header($_), "  and $_" for 'ETag', 'Last-Modified', 'Content-Type', 'Content-Length', 'Accept-Ranges';
        is $other->header('Link') =~ s{/fresh/}{/iiif/}r, $first->header('Link'), '  and Link';
        is $other->header('Content-Disposition'), $first->header('Content-Disposition'), '  and Content-Disposition';
    }
    ok h2("/iiif/plain.jpg/$TILE")->content eq $first->content, 'the same over HTTP/2';
    is held($store), counted($store), 'what is held is counted';
};

# one file for all spellings; 1000 x 800 in tiles of 512: level 10 of Deep Zoom, 1 of Zoomify
my @SPELLINGS = ('plain.jpg/0,0,512,512/max/0/default.jpg', 'plain.jpg/0,0,512,512/512,/0/default.jpg', '2/plain.jpg/0,0,512,512/full/0/default.jpg',
    '3/plain.jpg/0,0,512,512/!512,512/0/default.jpg', 'plain.jpg/pct:0,0,51.2,64/pct:100/360/color.jpg', 'plain.jpg_files/10/0_0.jpg', 'plain.jpg_zdata/TileGroup0/1-0-0.jpg');
push @tests, sub {
    is fate(get("/iiif/$_")), '200 static hit', "$_ is the same" for @SPELLINGS;
    is scalar(derivatives($store)), 1, 'so there is one file';
};

push @tests, sub {
    my $whole = get("/iiif/plain.jpg/$TILE");
    my ($etag, $date, $length) = ($whole->header('ETag'), $whole->header('Last-Modified'), length $whole->content);

    is get("/iiif/plain.jpg/$TILE", 'If-None-Match' => $etag)->code, 304, 'a stored one: 304 for its ETag';
    is get("/iiif/plain.jpg/$TILE", 'If-Modified-Since' => $date)->code, 304, '  304 for its date';
    is get("/iiif/plain.jpg/$TILE", 'If-Match' => '"another"')->code, 412, '  412 where another is wanted';
    is get("/iiif/plain.jpg/$TILE", 'If-None-Match' => '"another"')->code, 200, '  200 for another';
    for my $range ([ '0-0', 0, 0 ], [ '100-1999', 100, 1999 ], [ '1000-', 1000, $length - 1 ], [ '-7', $length - 7, $length - 1 ]) {
        my ($asked, $from, $to) = @{$range};
        my $part = get("/iiif/plain.jpg/$TILE", Range => "bytes=$asked");
        is fate($part) . ' ' . $part->header('Content-Range'), "206 static hit bytes $from-$to/$length", "  bytes $asked";
        ok $part->content eq substr($whole->content, $from, $to - $from + 1), '    are the right ones';
        is get("/iiif/plain.jpg/$TILE", Range => "bytes=$asked", 'If-Range' => '"another"')->code, 200, '    and all, where another was there before';
    }
    is get("/iiif/plain.jpg/$TILE", Range => "bytes=$length-")->code, 416, '  nothing behind its end';
    my $head = ask('HEAD', "/iiif/plain.jpg/$TILE");
    is fate($head) . ' ' . $head->header('Content-Length'), "200 static hit $length", '  HEAD tells its length';
    is $head->content, '', '    and sends nothing';
};

push @tests, sub {
    my $target = 'plain.png/512,0,488,512/488,512/0/default.jpg';
    my $head = ask('HEAD', "/iiif/$target");
    is fate($head), '200 render', 'HEAD of what is not there renders nothing';
    my $conditional = get("/iiif/$target", 'If-None-Match' => $head->header('ETag'));
    is $conditional->code, 304, '  nor does what the client has';
    is scalar(grep { m{/plain\.png/} } derivatives($store)), 0, '  and keeps nothing';
    my $part = get("/iiif/$target", Range => 'bytes=10-19');
    my ($path) = grep { m{/plain\.png/} } derivatives($store);
    is fate($part), '206 render stored', 'a part of what is not there';
    ok $part->content eq substr(image_in($path), 10, 10), '  is a part of what is kept whole';
};

# -- what is kept at once, and what when it is asked for again; plain.jpg is 1000 x 800

my @AT_ONCE = ('plain.jpg/512,512,488,288/488,288/0/default.jpg', 'plain.jpg/0,0,1000,800/500,400/0/default.jpg', 'plain.jpg/full/max/0/default.png',
    'plain.jpg/full/500,/0/default.webp', 'plain.jpg/square/200,/0/default.jpg', 'plain.jpg/full/!300,300/0/default.jpg', 'plain.jpg/square/max/0/color.png',
    'map.jpg/full/1024,/0/default.jpg');
my @AGAIN = ('plain.jpg/1,0,512,512/max/0/default.jpg', 'plain.jpg/0,0,512,512/511,512/0/default.jpg', 'plain.jpg/0,0,512,512/512,512/0/gray.jpg',
    'plain.jpg/0,0,512,512/512,512/90/default.jpg', 'plain.jpg/full/300,300/0/default.jpg', 'plain.jpg/full/^1100,/0/default.jpg', 'plain.jpg/3,0,800,800/200,/0/default.jpg',
    'plain.jpg/full/200,/!0/default.jpg', 'map.jpg/full/1025,/0/default.jpg');
push @tests, sub {
    for my $target (@AT_ONCE) {
        is join(', ', map { fate(get("/iiif/$target")) } 1, 2), '200 render stored, 200 static hit', "$target: kept at once";
    }
};
push @tests, sub {
    for my $target (@AGAIN) {
        is join(', ', map { fate(get("/iiif/$target")) } 1 .. 3), '200 render passed, 200 render stored, 200 static hit', "$target: kept when it is asked for again";
    }
};

# -- never stale

sub replace {
    my ($name, $from, $in_place) = @_;
    my $bytes = IIIF::PrivateHttpd::slurp("$FIXTURES/$from");

    if ($in_place) {
        IIIF::PrivateHttpd::spew("$images/$name", $bytes);
        sleep 0.03;    # a file of this moment is waited for
        return;
    }
    IIIF::PrivateHttpd::spew("$images/$name.new", $bytes);
    utime 1_000_000_000, 1_000_000_000, "$images/$name.new" or die "$name: $!\n";
    rename "$images/$name.new", "$images/$name" or die "$name: $!\n";
    return;
}

push @tests, sub {
    my $target = 'small.png/full/100,/0/default.png';
    my @seen = map {
        my ($what, $from, $in_place) = @{$_};
        replace('small.png', $from, $in_place);
        my ($first, $second, $fresh) = (get("/iiif/$target"), get("/iiif/$target"), get("/fresh/$target"));
        is fate($first) . ', ' . fate($second), '200 render stored, 200 static hit', "$what: it is made anew";
        ok $first->content eq $fresh->content && $second->content eq $fresh->content, '  of what is there now';
        $first;
    } [ 'the source is replaced', 'gray.png' ], [ 'by one of the same time', 'odd.png' ], [ 'in place', 'small.png', 1 ], [ 'and back', 'gray.png' ];
    my %etags = map { $_->header('ETag') => 1 } @seen;
    is scalar keys %etags, scalar @seen, 'each has an ETag of its own';
};

push @tests, sub {
    my $target = '/iiif/plain.jpg/0,512,512,288/512,288/0/default.jpg';
    my ($usual, $better, $again) = map { get($target . $_) } '', '?better', '?better';
    is fate($usual), '200 render stored', 'one setting';
    is fate($better) . ', ' . fate($again), '200 render stored, 200 static hit', '  and another';
    cmp_ok length $better->content, '>', length $usual->content, '  which was obeyed';
    ok $again->content eq $better->content && get($target)->content eq $usual->content, '  each has its own';
    is fate(get("$target?never")), '200 render', '  "none" ends it';
};

# -- who may not see the source may not see what was made of it

push @tests, sub {
    my @reader = (Authorization => 'Basic ' . encode_base64('reader:open sesame', ''));
    my $target = '/iiif/private/plain.jpg/full/200,/0/default.jpg';

    make_path("$images/private");
    copy("$FIXTURES/plain.jpg", "$images/private/plain.jpg") or die "plain.jpg: $!\n";
    chomp(my $line = `openssl passwd -apr1 'open sesame'`);
    IIIF::PrivateHttpd::spew("$images/passwd", "reader:$line\n");
    $httpd->stop;
    $httpd->configure(conf_of($images, $store) . <<"CONF");
<Directory $images/private>
    AuthType Basic
    AuthName readers
    AuthUserFile $images/passwd
    Require valid-user
</Directory>
CONF
    $httpd->start;
    is fate(get($target, @reader)), '200 render stored', 'a reader gets what is kept of a protected source';
    is fate(get($target, @reader)), '200 static hit', '  again';
    my $refused = get($target);
    is fate($refused), '401', '  a stranger does not';
    is $refused->header('ETag') // 'none', 'none', '    nor its ETag';
    is fate(get($target, Range => 'bytes=0-9')), '401', '    nor a part';
    is fate(ask('HEAD', $target)), '401', '    nor its length';
};

# -- made once for all who ask at once, by several children with many threads

my $CROWD = 200;
my $CHILDREN = steady_children(3, 300) . <<'CONF';
ThreadLimit 300
LogFormat "%>s %{iiif-plan}n %{iiif-store}n" fates
CustomLog fates.log fates
CONF

# Requests that are all sent before the first answer is read; the answers
sub crowd {
    my ($port, @targets) = @_;
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // die "no connection: $!\n" } @targets;

    for my $n (0 .. $#targets) {
        print { $sockets[$n] } "GET $targets[$n] HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        $sockets[$n]->flush;
    }
    return map { local $/; HTTP::Response->parse(scalar readline $_) } @sockets;
}

# How many answers of each fate a server has logged
sub fates {
    my ($httpd) = @_;
    my %seen;
    ++$seen{$_} for split /\n/, IIIF::PrivateHttpd::slurp($httpd->directory . '/fates.log');
    return \%seen;
}

for my $row ([ 'a tile of the grid', 'map.jpg/2048,1024,512,512/512,512/0/default.jpg', 0 ], [ 'what is off the grid', 'map.jpg/1,1,3000,2500/900,/33/default.png', 1 ]) {
    my ($what, $target, $takes_long) = @{$row};

    push @tests, sub {
        my ($crowded, undef, $kept) = my @held = server(conf => $CHILDREN);
        my @answers = crowd($crowded->port, ("/iiif/$target") x $CROWD);
        is scalar(grep { $_->code == 200 } @answers), $CROWD, "$what: all $CROWD are answered";
        is scalar(grep { $_->content ne $answers[0]->content } @answers), 0, '  with the same bytes';
        is scalar(derivatives($kept)), 1, '  of one file';
        $crowded->stop;
        my $fates = fates($crowded);
        is $fates->{'200 render stored'} // 0, 1, '  which was rendered once';
        is + ($fates->{'200 static waited'} // 0) + ($fates->{'200 static hit'} // 0), $CROWD - 1, '  all others had it from the store';
        cmp_ok $fates->{'200 static waited'} // 0, '>', 0, '    and some of them waited for it' if $takes_long;
    };
}

# a maker who fails lets the next one try
push @tests, sub {
    my ($crowded, $sources, $kept) = my @held = server(conf => $CHILDREN);
    my $whole = IIIF::PrivateHttpd::slurp("$FIXTURES/map.jpg");
    IIIF::PrivateHttpd::spew("$sources/broken.jpg", substr $whole, 0, length($whole) / 2);
    my @answers = crowd($crowded->port, ('/iiif/broken.jpg/0,2560,512,443/512,443/0/default.jpg') x 20);
    is_deeply [ map { $_->code } @answers ], [ (500) x 20 ], 'a damaged image is 500 for all who wait';
    is scalar(derivatives($kept)), 0, '  and nothing is kept of it';
    is fate(get("/iiif/plain.jpg/$TILE")), '200 render stored', '  others are served as before';
};

# nor is anybody kept waiting for what cannot be kept
push @tests, sub {
    my ($crowded) = my @held = server(conf => $CHILDREN);
    my @answers = crowd($crowded->port, ('/iiif/map.jpg/1,1,3000,2500/2000,/33/default.png') x 8);
    is_deeply [ map { fate($_) } @answers ], [ ('200 render passed') x 8 ], 'what is more than 4 % of the store is rendered for each who asks';
    cmp_ok length $answers[0]->content, '>', (64 << 20) / 25, '  as it is so large';
};

# a client that goes while it waits leaves its thread to others; who comes then is served
push @tests, sub {
    my ($crowded) = my @held = server(conf => $CHILDREN);
    my $target = '/iiif/map.jpg/1,1,3000,2500/900,/34/default.png';
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $crowded->port) // die "no connection: $!\n" } 1 .. 20;
    for my $socket (@sockets) {
        print {$socket} "GET $target HTTP/1.1\r\nHost: localhost\r\n\r\n";
        $socket->flush;
    }
    sleep 0.1;
    close $_ for @sockets[ 1 .. 19 ];
    is get($target)->code, 200, 'those who wait go, and another comes: it is served';
    like fate(get($target)), qr/\A200 static/, '  and it is kept';
};

# -- a maker that hangs

# Of a file in a store: does any process have a lock on it?
sub is_locked {
    my ($path) = @_;
    my $inode = (stat $path)[1] // return 0;
    return scalar grep { /:$inode / } split /\n/, IIIF::PrivateHttpd::slurp('/proc/locks');
}

# Two servers share images and a store; all processes of the one are stopped while they render.
push @tests, sub {
    my ($hung, $shared, $kept) = my @held = server();
    my $other = IIIF::PrivateHttpd->new(conf => conf_of($shared, $kept));
    my $target = '/iiif/map.jpg/full/max/0/default.jp2';
    $other->start;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        get($target);
        POSIX::_exit(0);
    }
    ok IIIF::PrivateHttpd::until_true(sub { is_locked("$kept/leases") }), 'an image is being made';
    my @stopped = processes($hung);
    kill 'STOP', @stopped;
    ok is_locked("$kept/leases"), '  by who does not go on';
    local $IIIF::Client::PORT = $other->port;
    is fate(get($target)), '200 render stored', 'it is made by another in the end';
    is fate(get($target)), '200 static hit', '  and kept';
    kill 'CONT', @stopped;
    waitpid $pid, 0;
    is $?, 0, 'the first one ends as well, when it can';
    $_->stop for $other, $hung;
    is litter($kept), '', '  and leaves nothing';
};

# -- killed in the middle of it

push @tests, sub {
    my ($killed, undef, $kept) = my @held = server(conf => "StartServers 3\nMinSpareThreads 1\nMaxSpareThreads 400\n", size => '200M');
    my @targets = map { my $x = 512 * ($_ % 7); my $y = 512 * int($_ / 7 % 5); "map.jpg/$x,$y,512,512/512,512/0/default." . (qw(jpg png webp))[ $_ / 35 ] } 0 .. 104;
    my @clients = map {
        my $first = $_;
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            for my $n (0 .. $#targets) {
                eval { get("/iiif/$targets[ ($n + 26 * $first) % @targets ]"); 1 };
            }
            require POSIX;
            POSIX::_exit(0);
        }
        $pid;
    } 0 .. 3;

    my $kills = 0;
    for my $round (1 .. 25) {
        sleep 0.15;
        my @children = processes($killed);
        $kills += kill 'KILL', $children[ rand @children ] if @children;
    }
    waitpid $_, 0 for @clients;
    cmp_ok $kills, '>', 10, 'children were killed while they wrote';
    my @files = derivatives($kept);
    cmp_ok scalar @files, '>', 0, '  some had been kept by then';
    is scalar(grep { !defined image_in($_) } @files), 0, '  no file of them is half';
    is litter($kept), '', '  nothing else was left behind';
    cmp_ok counted($kept), '>=', held($kept), '  and not less is counted than is held';
    my @answers = map { get("/iiif/$_") } @targets;
    is scalar(grep { fate($_) !~ /\A200 (?:static hit|render stored)\z/ } @answers), 0, '  no one is waited for who is dead';
    is scalar(grep { get("/fresh/$targets[$_]")->content ne get("/iiif/$targets[$_]")->content } map { $_ * 9 } 0 .. 9), 0, '  and what was kept is right';
};

# -- a store that is of no use

# Lines of the log about a store, in the minute or two that a test takes
sub complaints {
    my ($server) = @_;
    return scalar(() = $server->error_log =~ /IIIF0010/g);
}

my %SPOILT = (
    'read-only' => sub { my ($kept) = @_; chmod 0500, $kept, grep { -d } glob "$kept/*" or die "$kept: $!\n" },
    'removed' => sub { my ($kept) = @_; remove_tree("$kept") },
    'replaced by a file' => sub { my ($kept) = @_; remove_tree("$kept"); IIIF::PrivateHttpd::spew("$kept", 'no directory') },
);
for my $how (sort keys %SPOILT) {
    push @tests, sub {
        my ($spoilt, undef, $kept) = my @held = server();
        my $before = get("/iiif/plain.jpg/$TILE");

        is fate($before), '200 render stored', "a store that will be $how";
        $SPOILT{$how}->($kept);
        my @answers = map { get("/iiif/plain.png/full/$_,/0/default.jpg") } 100 .. 119;
        is scalar(grep { fate($_) eq '200 render failed' } @answers), 20, '  requests go on, and nothing is kept';
        ok $answers[0]->content eq get('/fresh/plain.png/full/100,/0/default.jpg')->content, '  with the right bytes';
        ok get("/iiif/plain.jpg/$TILE")->content eq $before->content, '  and for what was there';
        cmp_ok complaints($spoilt), '>', 0, '  it is logged';
        cmp_ok complaints($spoilt), '<=', 2, '    once a minute';
        if ($how eq 'read-only') {
            is fate(get("/iiif/plain.jpg/$TILE")), '200 static hit', '  what is there is sent';
            chmod 0700, $kept, grep { -d } glob "$kept/*";
        }
        else {
            unlink "$kept";
            mkdir "$kept" or die "$kept: $!\n";
        }
        like join(', ', map { fate(get("/iiif/plain.jpg/$TILE")) } 1, 2), qr/200 static hit\z/, '  when it is back it is used, without a restart';
    };
}

# A disk that takes no more, as a process sees it that may write only so much to a file
push @tests, sub {
    my $httpd_itself = IIIF::PrivateHttpd::httpd();
    no warnings 'redefine';
    local *IIIF::PrivateHttpd::httpd = sub { return "ulimit -f 128; $httpd_itself" };    # blocks of 512 bytes, or of 1024
    my ($full, undef, $kept) = my @held = server();
    my $large = '/iiif/map.jpg/full/1000,/0/default.png';
    my @answers = map { get($large) } 1, 2;

    cmp_ok length $answers[0]->content, '>', 128 * 1024, 'an image of more bytes than may be written';
    is join(', ', map { fate($_) } @answers), '200 render failed, 200 render failed', '  is rendered each time';
    ok $answers[0]->content eq get($large =~ s/iiif/fresh/r)->content, '  with the right bytes';
    is scalar(derivatives($kept)) . litter($kept), '0', '  and no part of it is left';
    is fate(get('/iiif/plain.jpg/full/100,/0/default.jpg')), '200 render stored', '  a smaller one is kept';
    is counted($kept), held($kept), '  what is held is counted';
};

# -- a store that is full

sub tiles_of {
    my ($from, $to) = @_;
    return map { my $n = $_; sprintf 'map.jpg/full/%d,/0/default.jpg', $n } $from .. $to;
}

push @tests, sub {
    my ($small, undef, $kept) = my @held = server(size => '1M');
    my $most = 0;
    my %fates;

    for my $target (tiles_of(100, 330)) {
        ++$fates{ fate(get("/iiif/$target")) };
        my $now = held($kept);
        $most = $now if $now > $most;
    }
    cmp_ok $most, '<=', 1.05 * (1 << 20), 'a store of 1M is never more than 5 % larger';
    cmp_ok $most, '>', 0.9 * (1 << 20), '  and is made use of';
    is join(', ', sort grep { !/\A200 render (?:stored|passed)\z/ } keys %fates), '', '  all are answered meanwhile';
    cmp_ok $fates{'200 render stored'}, '>', 150, '  most are kept';
    is scalar(grep { !defined image_in($_) } derivatives($kept)), 0, '  whole';
    ok IIIF::PrivateHttpd::until_true(sub { held($kept) <= 1 << 20 }), '  and it comes back below its bound';
    is fate(get('/iiif/map.jpg/full/!600,600/0/default.png')), '200 render passed', '  what is more than 4 % of it is not kept';
};

push @tests, sub {
    my ($small, undef, $kept) = my @held = server(size => '1M');
    my ($used) = tiles_of(99, 99);

    get("/iiif/$used");
    my ($path) = derivatives($kept);
    for my $target (tiles_of(100, 330)) {
        utime time - 3600, (stat $path)[9], $path or last;    # not used for an hour,
        get("/iiif/$used");                                  # and now
        get("/iiif/$target");
    }
    ok -e $path, 'what is used stays while others go';
    unlink "$kept/usage";
    get("/iiif/$_") for tiles_of(340, 341);
    ok IIIF::PrivateHttpd::until_true(sub { counted($kept) ne 'not counted' }), 'what is held is counted again when nobody knows it';
    ok IIIF::PrivateHttpd::until_true(sub { counted($kept) eq held($kept) }), '  rightly';
    IIIF::PrivateHttpd::spew("$kept/usage", 'iiif-derivatives 2 x');
    get("/iiif/$_") for tiles_of(342, 343);
    ok IIIF::PrivateHttpd::until_true(sub { counted($kept) ne 'not counted' }), '  and when the count is damaged';
    is fate(get('/iiif/map.jpg/full/344,/0/default.jpg')), '200 render stored', '  afterwards it goes on';
};

# an answer in flight ends as it began, whatever becomes of its file
push @tests, sub {
    my ($server, undef, $kept) = my @held = server(size => '400M', conf => "SendBufferSize 4096\n");
    my $target = '/iiif/map.jpg/full/max/0/default.png';
    my $whole = get($target)->content;
    cmp_ok length $whole, '>', 1 << 20, 'a long answer';
    my @sockets = map {
        my $socket = IO::Socket::INET->new(Proto => 'tcp') // die "socket: $!\n";
        setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), pack 'i', 4096 or die "socket: $!\n";
        connect $socket, Socket::sockaddr_in($server->port, Socket::inet_aton('127.0.0.1')) or die "connect: $!\n";
        syswrite $socket, "GET $target HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        sysread $socket, my $begun, 1000;
        [ $socket, $begun ];
    } 1 .. 4;
    my ($path) = derivatives($kept);
    utime time - 3600, (stat $path)[9], $path;
    $server->configure(conf_of($held[1], $kept, size => '1M'));
    $server->restart;
    get("/iiif/plain.jpg/full/$_,/0/default.jpg") for 100 .. 103;
    ok IIIF::PrivateHttpd::until_true(sub { !-e $path }), '  whose file is removed in the meantime';
    is scalar(grep { my ($socket, $begun) = @{$_}; local $/; HTTP::Response->parse($begun . readline $socket)->content ne $whole } @sockets), 0,
        '  is sent to its end';
};

# -- the directive

my @REFUSED = (
    [ 'IIIFDerivativeStore /tmp/x', qr/takes a directory and a size, or none/ ],
    [ 'IIIFDerivativeStore /tmp/x 10X', qr/'10X' is not a size from 1M to 1024T/ ],
    [ 'IIIFDerivativeStore /tmp/x 10GB', qr/'10GB' is not a size/ ],
    [ 'IIIFDerivativeStore /tmp/x G', qr/'G' is not a size/ ],
    [ 'IIIFDerivativeStore /tmp/x -5G', qr/'-5G' is not a size/ ],
    [ 'IIIFDerivativeStore /tmp/x 1048575', qr/'1048575' is not a size/ ],
    [ 'IIIFDerivativeStore /tmp/x 1025T', qr/'1025T' is not a size/ ],
    [ 'IIIFDerivativeStore /tmp/x 99999999999999999999G', qr/is not a size/ ],
    [ "IIIFImageRoot /a /tmp/a\nIIIFDerivativeStore /tmp/a/b 10M", qr/IIIF0011: IIIFDerivativeStore \/tmp\/a\/b: it lies in the directory of an IIIFImageRoot/ ],
    [ "IIIFImageRoot /a /tmp/a\nIIIFDerivativeStore /tmp/a/ 10M", qr/IIIF0011/ ],
    [ "<Location /a>\nIIIFImageRoot /tmp/a\n</Location>\n<Directory /tmp>\nIIIFDerivativeStore /tmp/a/b 10M\n</Directory>", qr/IIIF0011/ ],
    [ "IIIFTileStore /tmp/t\nIIIFDerivativeStore /tmp/t 10M", qr/IIIF0011: IIIFDerivativeStore \/tmp\/t: it is the directory of an IIIFTileStore/ ],
);
my @ACCEPTED = ('IIIFDerivativeStore /tmp/x 1048576', 'IIIFDerivativeStore none', 'IIIFDerivativeStore cache 1t', "IIIFImageRoot /a /tmp/a\nIIIFDerivativeStore /tmp/ab 10M",
    "IIIFTileStore /tmp/t\nIIIFDerivativeStore /tmp/t/d 10M");
push @tests, sub {
    for my $row (map({ [ $_, qr/Syntax OK/, 0 ] } @ACCEPTED), map({ [ @{$_}, 1 ] } @REFUSED)) {
        my ($conf, $said, $status) = @{$row};
        my $tested = IIIF::PrivateHttpd->new(conf => $conf);
        my @run = $tested->run('-t');
        is $run[0], $status, $conf =~ tr/\n/ /r . ($status ? ' is refused' : ' is accepted');
        like $run[1] . $tested->error_log, $said, '  and says so';
    }
};

push @tests, sub {
    my $nowhere = File::Temp->newdir(TMPDIR => 1) . '/no/such/directory';
    my $started = IIIF::PrivateHttpd->new(conf => "IIIFDerivativeStore $nowhere 10M\n");
    $started->start;
    ok IIIF::PrivateHttpd::until_true(sub { $started->error_log =~ /IIIF0012: IIIFDerivativeStore \Q$nowhere\E/ }), 'a directory that is not there is warned of at start';
};

$_->() for @tests;
done_testing;
