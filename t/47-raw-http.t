# SPDX-License-Identifier: Apache-2.0
# Stored tiles over HTTP are as good as files: lengths, ranges and validators; with and without sendfile
# and mmap; of many at once; out of a file of more than 4 GiB, and of one with millions of tiles.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Temp ();
use Compress::Zlib qw(memGunzip);
use IIIF::Client qw(ask get h2 plan_of);
use IIIF::JpegPyramid qw(jpeg_pyramid);
use IIIF::Load qw(processes);
use IIIF::Pixels qw(crop shows);
use IIIF::PrivateHttpd ();
use IIIF::RawTiles qw(stored_tile level_picture raw_faults cut_faults);
use IIIF::TiffWriter qw(tiff);

my @ODD = (1001, 701, 32);
my @tests;

# Files that will have been left alone for long enough, by whatever time of theirs, when their turn comes
my $SETTLED = 11;    # seconds: sendfile wants more than 10
my $LEFT_ALONE = File::Temp->newdir(TMPDIR => 1);
my $begun = time;
IIIF::PrivateHttpd::spew("$LEFT_ALONE/even.tif", IIIF::PrivateHttpd::slurp('apxs-build/fixtures/images/raw/even.tif'));
empty_file("$LEFT_ALONE/empty-$_.tif") for 1 .. 4;

sub wait_until_settled {
    my $left = $begun + $SETTLED - time;
    sleep $left if $left > 0;
    return;
}

# -- one server

my %ANSWERS = ('whole' => '/raw/even-420.tif/256,256,256,256/max/0/default.jpg', 'cut' => '/raw/420.tif/768,512,256,256/max/0/default.jpg',
    'webp' => '/raw/webp-lossy.tif/256,256,256,256/max/0/default.webp', 'gray' => '/raw/even.tif/256,256,256,256/max/90/gray.jpg');

for my $kind (sort keys %ANSWERS) {
    my $target = $ANSWERS{$kind};

    push @tests, sub {
        my ($whole, $head) = (get($target), ask('HEAD', $target));
        is plan_of($whole), '200 raw', "$kind: is sent as it is stored";
        is $head->code . ' ' . ($head->header('Content-Length') // 'no length'), '200 ' . length $whole->content, "$kind: HEAD tells the length";
        is $head->content, '', "$kind: HEAD has no body";
        is $head->header($_), $whole->header($_), "$kind: HEAD has $_" for 'ETag', 'Last-Modified', 'Content-Type';
        like $whole->header('ETag'), qr/\A"[^"]+"\z/, "$kind: a strong ETag";
        is $whole->header('Content-Length') // 'none', length $whole->content, "$kind: GET tells the length";
        is get($target, 'If-None-Match' => $whole->header('ETag'))->code, 304, "$kind: 304 for its ETag";
        is get($target, 'If-None-Match' => '"another"')->code, 200, "$kind: 200 for another";
        is get($target, 'If-Modified-Since' => $whole->header('Last-Modified'))->code, 304, "$kind: 304 for its date";
        is get($target, 'If-Match' => '"another"')->code, 412, "$kind: 412 where another is wanted";
    };
    # first and last bytes, across the end of the head, from within, the rest
    for my $range ('0-0', '0-9', '600-799', '300-1999', '1000-', '-1', '-700') {
        push @tests, sub {
            my ($whole, $part) = (get($target)->content, get($target, Range => "bytes=$range"));
            my ($first, $last) = bounds($range, length $whole);
            is $part->code . ' ' . ($part->header('Content-Range') // ''), "206 bytes $first-$last/" . length $whole, "$kind: bytes $range";
            ok $part->content eq substr($whole, $first, $last - $first + 1), "$kind: bytes $range are the right ones";
        };
    }
    push @tests, sub {
        my $whole = get($target)->content;
        my $parts = get($target, Range => 'bytes=0-9,1000-1099');
        my ($first, $second) = (substr($whole, 0, 10), substr $whole, 1000, 100);
        is $parts->code, 206, "$kind: two ranges";
        ok index($parts->content, $first) > 0 && index($parts->content, $second) > 0, "$kind: two ranges are the right ones";
    };
    push @tests, sub { is get($target, Range => 'bytes=9999999-')->code, 416, "$kind: no bytes behind its end" };
    push @tests, sub {
        my ($whole, $h2, $part) = (get($target)->content, h2($target), h2($target, '-r', '300-1999'));
        ok $h2->code == 200 && $h2->content eq $whole, "$kind: the same over HTTP/2";
        ok $part->code == 206 && $part->content eq substr($whole, 300, 1700), "$kind: a part of it over HTTP/2";
    };
}

# Of tiles that are not what their directory says, too: HEAD is asked first, so that nothing is known of them.
# A render's length is known to GET alone.
for my $row ([ 'exif-in-tiles', 'render' ], [ 'progressive', 'render' ], [ 'adobe-rgb-marker', 'render' ], [ 'own-table', 'raw' ]) {
    my ($name, $plan) = @{$row};
    for my $tile ('0,0,256,256', '256,0,256,256') {
        my $target = "/raw/$name.tif/$tile/max/0/default.jpg";

        push @tests, sub {
            my ($head, $whole) = (ask('HEAD', $target), get($target));
            is_deeply [ map { plan_of($_) } $head, $whole ], [ ("200 $plan") x 2 ], "$name $tile: $plan for HEAD and GET";
            is $head->header('Content-Length') // "none for a $plan", $plan eq 'raw' ? length $whole->content : 'none for a render',
                '  of one length';
            is $head->header($_), $whole->header($_), "  and with the same $_" for 'ETag', 'Last-Modified', 'Content-Type';
        };
    }
}

# First and last byte of a range of so many
sub bounds {
    my ($range, $length) = @_;
    my ($first, $last) = split /-/, $range, -1;

    return ($length - $last, $length - 1) if $first eq '';
    return ($first, $last eq '' || $last >= $length ? $length - 1 : $last);
}

# -- with and without sendfile and mmap, and from a file of more than 4 GiB

my %FILES = map { my $sendfile = $_; map { (lc "$sendfile-$_" => "EnableSendfile $sendfile\n    EnableMMAP $_") } 'On', 'Off' } 'On', 'Off';

push @tests, sub {
    my $directory = File::Temp->newdir(TMPDIR => 1);
    my $httpd = IIIF::PrivateHttpd->new(conf => server_conf("$directory"));
    my $far = far_file("$directory/far.tif");
    my %whole = map { $_ => get($ANSWERS{$_})->content } keys %ANSWERS;

    $httpd->start;
    local $IIIF::Client::PORT = $httpd->port;
    for my $how (sort keys %FILES) {
        for my $kind (sort keys %ANSWERS) {
            my $target = $ANSWERS{$kind} =~ s{^/raw}{/$how}r;
            my $whole = get($target);
            is plan_of($whole), '200 raw', "$kind with sendfile-mmap $how";
            ok $whole->content eq $whole{$kind}, "$kind with sendfile-mmap $how: the same";
            ok h2($target)->content eq $whole{$kind}, "$kind with sendfile-mmap $how: the same over HTTP/2";
            ok get($target, Range => 'bytes=300-1999')->content eq substr($whole{$kind}, 300, 1700), "$kind with sendfile-mmap $how: a part of it";
        }
        far_tiles("/$how-far/far.tif", $far, $how);
    }
    $httpd->stop;
    is join('', grep { /exit signal|:(?:error|crit|alert|emerg)\]/ } split /^/, $httpd->error_log), '', 'and nothing was wrong meanwhile';
};

sub server_conf {
    my ($directory) = @_;
    my $conf = "Protocols h2c http/1.1\n<Directory $directory>\n    Require all granted\n</Directory>\n";

    for my $how (sort keys %FILES) {
        $conf .= "IIIFImageRoot /$how \${FIXTURES}/images/raw\nIIIFImageRoot /$how-far $directory\n<LocationMatch ^/$how(-far)?/>\n    $FILES{$how}\n"
            . qq(    Header always set X-IIIF-Plan "expr=%{note:iiif-plan}"\n</LocationMatch>\n);
    }
    return $conf;
}

# A file whose directories are at its beginning, and whose tiles lie behind a hole of 4 GiB, which
# takes no room on the disk
sub far_file {
    my ($path) = @_;
    my @levels = jpeg_pyramid(@ODD, up => 1, sampling => '1x1', tables => 1);
    my $at = 2**32 + 1001;
    my @data;

    for my $level (@levels) {
        for my $number (0 .. $#{ $level->{tiles} }) {
            my $tile = $level->{tiles}[$number];
            push @data, [ $at, $tile ];
            $level->{offsets}{$number} = $at;
            $level->{lengths}{$number} = length $tile;
            $level->{tiles}[$number] = '';
            $at += length $tile;
        }
    }
    open my $fh, '>:raw', $path or die "$path: $!\n";
    print {$fh} tiff({ big => 1, directories => \@levels });
    for my $piece (@data) {
        seek $fh, $piece->[0], 0 or die "$path: $!\n";
        print {$fh} $piece->[1];
    }
    close $fh or die "$path: $!\n";
    return $path;
}

sub far_tiles {
    my ($base, $path, $how) = @_;
    my $tile = stored_tile($path, 0, 1, 1);
    my $target = "$base/256,256,256,256/max/0/default.jpg";
    my $whole = get($target);

    is -s $path > 2**32 && (stat $path)[12] * 512 < 2**24, 1, 'there is a file of more than 4 GiB that takes less than 16 MiB';
    is raw_faults($whole, $tile), '', "beyond 4 GiB, sendfile-mmap $how: a whole tile";
    is raw_faults(get("$base/0,0,512,512/256,/0/default.jpg"), stored_tile($path, 1, 0, 0)), '',
        "beyond 4 GiB, sendfile-mmap $how: a tile of the next level";
    is cut_faults(get("$base/768,512,256,256/max/0/default.jpg"), stored_tile($path, 0, 3, 2), { width => 233, height => 189 }), '',
        "beyond 4 GiB, sendfile-mmap $how: the last tile";
    ok get($target, Range => 'bytes=300-1999')->content eq substr($whole->content, 300, 1700), "beyond 4 GiB, sendfile-mmap $how: a part of a tile";
    shows("$base/0,0,600,400/max/0/default.png", crop(level_picture(\@ODD, 1, '1x1'), 0, 0, 600, 400), 4, 255,
        "beyond 4 GiB, sendfile-mmap $how: a larger part");
    return;
}

# -- many at once, out of one file that was left alone for long enough for sendfile

my $CLIENTS = 8;
my $REQUESTS = 1000;    # of each client,
my $AHEAD = 20;         # which does not wait for answers, so that the server is never idle

push @tests, sub {
    my $httpd = IIIF::PrivateHttpd->new(conf => crowd_conf("$LEFT_ALONE"));

    wait_until_settled();
    $httpd->start;
    local $IIIF::Client::PORT = $httpd->port;
    my %whole = map { $_ => get("/plain/$_")->content }
        map { my $x = 256 * $_; map { "even.tif/$x," . 256 * $_ . ',256,256/max/0/default.jpg' } 0 .. 3 } 0 .. 3;
    is scalar(grep { length > 2200 } values %whole), 16, 'there are 16 tiles of some length';
    is_deeply [ map { plan_of(get("/deflated/$_")) } sort keys %whole ], [ ('200 raw') x 16 ], '  sent as they are stored';
    is crowd($httpd->port, '/plain', \%whole, 'Range: bytes=2000-2199', sub { substr $_[0], 2000, 200 }), '',
        "$CLIENTS clients at once get the right part of each";
    is crowd($httpd->port, '/plain', \%whole, 'Connection: keep-alive', sub { $_[0] }), '', '  and each whole';
    is crowd($httpd->port, '/deflated', \%whole, 'Accept-Encoding: gzip', sub { $_[0] }), '', '  and each through a filter that reads it';
    $httpd->stop;
};

sub crowd_conf {
    my ($directory) = @_;
    return <<"CONF";
StartServers 1
ServerLimit 1
MaxRequestWorkers 25
MaxKeepAliveRequests 0
EnableSendfile On
IIIFImageRoot /plain $directory
IIIFImageRoot /deflated $directory
<Location /deflated>
    SetOutputFilter DEFLATE
</Location>
<Directory $directory>
    Require all granted
</Directory>
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}" "expr=-n note('iiif-plan')"
CONF
}

# What is wrong with the answers to many clients, of which each asks for tile after tile; '' when nothing is
sub crowd {
    my ($port, $base, $whole, $header, $part) = @_;
    my @pipes = map {
        my $number = $_;
        my $pid = open my $pipe, '-|';
        die "fork: $!\n" unless defined $pid;
        if (!$pid) {
            print eval { one_of_crowd($port, $base, $whole, $header, $part, $number) } // "client $number: $@";
            close STDOUT;
            require POSIX;
            POSIX::_exit(0);
        }
        $pipe;
    } 1 .. $CLIENTS;
    my @said = map { my $pipe = $_; local $/; my $said = <$pipe> // 'nothing'; close $pipe; $said } @pipes;

    return join '; ', grep { $_ ne "$REQUESTS right" } @said;
}

sub one_of_crowd {
    my ($port, $base, $whole, $header, $part, $number) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "no connection: $!\n";
    my @names = sort keys %{$whole};
    my $right = 0;

    for my $batch (1 .. $REQUESTS / $AHEAD) {
        my @asked = map { $names[ ($_ * (2 * $number + 1) + $number + $batch) % @names ] } 1 .. $AHEAD;
        print {$socket} map { "GET $base/$_ HTTP/1.1\r\nHost: localhost\r\n$header\r\n\r\n" } @asked;
        $socket->flush;
        $right += answer_from($socket) eq $part->($whole->{$_}) for @asked;
    }
    return "$right right";
}

# The body of the next answer on a connection that is kept
sub answer_from {
    my ($socket) = @_;
    my $head = do { local $/ = "\r\n\r\n"; readline $socket } // die "the connection ended\n";
    my $body = '';

    $head =~ m{^HTTP/1.1 20[06] } or die "not answered: $head\n";
    if ($head =~ /^Content-Length: (\d+)/mi) {
        read $socket, $body, $1;
    }
    else {
        local $/ = "\r\n";
        while (my $length = hex(readline $socket)) {
            read $socket, $body, $length + 2, length $body;
            substr $body, -2, 2, '';
        }
        readline $socket;
    }
    return $head =~ /^Content-Encoding: gzip/mi ? memGunzip($body) // 'no gzip' : $body;
}

# -- millions of tiles, of which none is stored: what is remembered of them is bounded

push @tests, sub {
    my $httpd = IIIF::PrivateHttpd->new(conf => crowd_conf("$LEFT_ALONE"));

    wait_until_settled();
    $httpd->start;
    local $IIIF::Client::PORT = $httpd->port;
    is_deeply [ map { statuses($httpd->port, '/plain/empty-' . (1 + $_ % 4) . '.tif/info.json') } 1 .. 20 ], [ (200) x 20 ],
        'info.json of files with nearly four million tiles is answered';
    cmp_ok resident($httpd), '<', 200, '  and leaves the child small';
    is_deeply [ map { statuses($httpd->port, map { "/plain/empty-$_.tif/info.json" } (1 .. 4) x 2) } 1 .. 20 ], [ (200) x 160 ],
        '  eight at once, too';
    cmp_ok resident($httpd), '<', 600, '  which do not leave all that they took for a moment';
    $httpd->stop;
};

# Megabytes of its only child
sub resident {
    my ($httpd) = @_;
    my ($child, @others) = processes($httpd);

    die "there is more than one child\n" if @others;
    return (IIIF::PrivateHttpd::slurp("/proc/$child/status") =~ /^VmRSS:\s+(\d+) kB/m)[0] / 1024;
}

# Of requests that are all there before the first is answered
sub statuses {
    my ($port, @targets) = @_;
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // die "no connection: $!\n" } @targets;

    print { $sockets[$_] } "GET $targets[$_] HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" for 0 .. $#targets;
    $_->flush for @sockets;
    return map { local $/; readline($_) =~ m{^HTTP/1.1 (\d+)} ? $1 : 'no status' } @sockets;
}

# 31600 x 31600, which is within the default limit, in tiles of 16 x 16, with lists of places in a hole of the file
sub empty_file {
    my ($path) = @_;
    my $bytes = tiff({ directories => [ {
        width => 31600, height => 31600, samples => 1, bits => 8, photometric => 1, tile => 16, compression => 7,
        tiles => [ undef, undef ],
    } ] });
    my $count = 1975 * 1975;

    for my $tag (324, 325) {
        my $entry = pack 'vvV', $tag, 4, 2;
        my $at = index $bytes, $entry;
        substr $bytes, $at, 12, pack 'vvVV', $tag, 4, $count, 4096 + ($tag - 324) * 4 * $count;
    }
    IIIF::PrivateHttpd::spew($path, $bytes);
    truncate $path, 4096 + 8 * $count or die "$path: $!\n";
    return;
}

$_->() for @tests;
done_testing;
