# SPDX-License-Identifier: Apache-2.0
package IIIF::Load;

# What the benchmarks ask of a private httpd, and what that costs it: answers a second, the slow ones, and
# processor time and memory of all its processes, those of programs it has started among them.

use strict;
use warnings FATAL => 'all';
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IIIF::PrivateHttpd ();
use IO::Socket::INET ();
use IO::Select ();
use List::Util qw(max);
use POSIX qw(sysconf _SC_CLK_TCK _SC_PAGESIZE);
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(measured load write_list get_all median compare processes processor_time memory resident with_peak asking_without_end asking_without_reading slurp spew
    header_line table_line);

my $PROGRAM = 'apxs-build/lib/bench/load';

# measured(CHILDREN, THREADS): configuration of a httpd that is measured; a figure is not that of starting a child, of
# a connection or of its log.
sub measured {
    my ($children, $threads) = @_;
    return IIIF::PrivateHttpd::steady_children($children, $threads) . <<'CONF';
LogLevel warn
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
CONF
}

# A list for load(): one path a line.
sub write_list {
    my ($name, @paths) = @_;
    open my $list, '>', $name or die "$name: $!\n";
    print $list map { "$_\n" } @paths;
    close $list or die "$name: $!\n";
    return $name;
}

# load($httpd, { list =>, header =>, status =>, beside => [PID...] }, $connections): each path of the list is asked once.
# Answers a second; seconds in which 99 of 100 are there; microseconds of processor time for one.
sub load {
    my ($httpd, $kind, $connections) = @_;
    my @arguments = ('-c', $connections, '-s', $kind->{status} // 200, $kind->{header} ? ('-H', $kind->{header}) : ());
    my $before = processor_time($httpd, $kind);
    open my $load, '-|', $PROGRAM, @arguments, $httpd->port, $kind->{list} or die "$PROGRAM: $!\n";
    my $said = do { local $/; <$load> };
    close $load or die "$kind->{name}: the load failed; the server's log:\n" . substr $httpd->error_log, -500;
    my %figures = $said =~ /(\S+) ([\d.]+)/g;
    $figures{processor} = (processor_time($httpd, $kind) - $before) * 1e6 / $figures{requests};
    return \%figures;
}

# Get the paths over one connection. Each answer, head and body, is given to the sub.
sub get_all {
    my ($httpd, $header, $sub, @paths) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $httpd->port) or die "no connection: $!\n";

    for my $path (@paths) {
        my ($answer, $length) = ('', undef);
        print $socket "GET $path HTTP/1.1\r\nHost: localhost\r\n$header\r\n" or die "$path: $!\n";
        while (!defined $length || length $answer < $length) {
            sysread $socket, $answer, 1 << 16, length $answer or die "$path: the connection ended\n";
            next if defined $length || $answer !~ /\r\n\r\n/g;
            my ($status, $body) = ($answer =~ /^HTTP\S+ (\d+)/, $answer =~ /^Content-Length: (\d+)/mi ? $1 : 0);
            die "$path: $answer\n" if $status != 200 && $status != 304;
            $length = pos($answer) + ($status == 304 ? 0 : $body);
        }
        $sub->($path, split /\r\n\r\n/, $answer, 2);
    }
    return;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[ $#sorted / 2 ];
}

# compare($httpd, connections => N, rounds => N, fresh => sub {}, kinds => [KIND...]): all kinds by turns, forth and
# back, so that what else the machine does meets all of them. A ratio is the median of the rounds' own ratios to the
# first kind, which may have a server of its own. Each kind as a hash of medians: rate, p99, processor, reopened, and
# of_rate, of_p99, of_processor.
sub compare {
    my ($httpd, %how) = @_;
    my @kinds = @{ $how{kinds} };
    my %seen;

    for my $round (1 .. $how{rounds}) {
        $how{fresh}->() if $how{fresh};
        my %now = map { $_ => load($kinds[$_]{server} // $httpd, $kinds[$_], $how{connections}) }
            $round % 2 ? (0 .. $#kinds) : reverse 0 .. $#kinds;
        for my $kind (keys %now) {
            for my $figure (qw(rate p99 processor reopened)) {
                push @{ $seen{$kind}{$figure} }, $now{$kind}{$figure};
                push @{ $seen{$kind}{"of_$figure"} }, $now{$kind}{$figure} / ($now{0}{$figure} || 1e-9);
            }
        }
    }
    return map { my $figures = $seen{$_}; +{ map { $_ => median(@{ $figures->{$_} }) } keys %$figures } } 0 .. $#kinds;
}

sub header_line {
    return sprintf "%-42s %3s %9s %6s %9s %6s %9s %6s  %s\n", '', 'c', 'req/s', 'ratio', 'p99 ms', 'ratio',
        'cpu us', 'ratio', 'goal';
}

sub table_line {
    my ($kind, $connections, $figures) = @_;
    return sprintf "%-42s %3d %9.0f %6.2f %9.3f %6.2f %9.1f %6.2f  %s\n",
        $kind->{name}, $connections, @$figures{qw(rate of_rate)},
        $figures->{p99} * 1e3, $figures->{of_p99}, @$figures{qw(processor of_processor)},
        ($kind->{goal} // '') . ($figures->{reopened} ? " ($figures->{reopened} connections reopened)" : '');
}

# -- processes ----------------------------------------------------------------------------------

# All that descend from the server's first process, with the fields of /proc/PID/stat behind the name.
sub statistics {
    my ($httpd) = @_;
    my ($top) = slurp($httpd->directory . '/httpd.pid') =~ /(\d+)/;
    my (%fields, %children);

    for my $file (glob '/proc/[0-9]*/stat') {
        my ($pid, $rest) = (slurp($file) // next) =~ /^(\d+) \(.*\) (.*)/s or next;
        $fields{$pid} = [ split ' ', $rest ];
        push @{ $children{ $fields{$pid}[1] } }, $pid;
    }
    my @found = ($top);
    for (my $i = 0; $i < @found; ++$i) { push @found, @{ $children{ $found[$i] } // [] } }
    return (\%fields, @found);
}

# PIDs of the server's children: those that answer.
sub processes {
    my ($httpd) = @_;
    my (undef, undef, @children) = statistics($httpd);
    return @children;
}

# Seconds, of user and system, since the processes began.
sub processor_time {
    my ($httpd, $kind) = @_;
    my ($fields, @pids) = statistics($httpd);
    my $ticks = 0;
    $ticks += $_->[11] + $_->[12] for grep { $_ } map { $fields->{$_} } @pids, @{ $kind->{beside} // [] };
    return $ticks / sysconf(_SC_CLK_TCK);
}

# Of all children together, in megabytes: resident, and resident with what is shared counted once.
sub memory {
    my ($httpd) = @_;
    my ($rss, $pss) = (0, 0);
    for my $rollup (map { slurp("/proc/$_/smaps_rollup") // '' } processes($httpd)) {
        $rss += $1 if $rollup =~ /^Rss:\s+(\d+)/m;
        $pss += $1 if $rollup =~ /^Pss:\s+(\d+)/m;
    }
    return ($rss / 1024, $pss / 1024);
}

# The first of these, of statm, as what says more stops a process while it is read
sub resident {
    my ($httpd) = @_;
    my $pages = 0;
    $pages += (split ' ', slurp("/proc/$_/statm") // '0 0')[1] for processes($httpd);
    return $pages * sysconf(_SC_PAGESIZE) / (1 << 20);
}

# The largest of it while the sub runs; looked at ten times a second by another process.
sub with_peak {
    my ($httpd, $sub) = @_;
    my $pid = open my $pipe, '-|';
    defined $pid or die "fork: $!\n";
    if (!$pid) {
        my $peak = 0;
        my $parent = getppid;
        local $SIG{TERM} = sub { syswrite STDOUT, $peak; POSIX::_exit(0) };
        while (getppid == $parent) {
            $peak = max($peak, resident($httpd));
            sleep 0.1;
        }
        POSIX::_exit(0);
    }
    $sub->();
    kill 'TERM', $pid;
    my $peak = <$pipe>;
    close $pipe;
    return $peak;
}

# -- clients that have no end -------------------------------------------------------------------

sub _ask {
    my ($httpd, $path) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $httpd->port) or die "no connection: $!\n";
    print $socket "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    $socket->flush;
    return $socket;
}

# asking_without_end($httpd, $count, @paths): so many clients that ask for the paths in turn, anew whenever they are
# answered, whatever the answer; the PID to kill.
sub asking_without_end {
    my ($httpd, $count, @paths) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    my $number = 0;
    my $next = sub { _ask($httpd, $paths[ $number++ % @paths ]) };
    my $sockets = IO::Select->new(map { $next->() } 1 .. $count);
    for (;;) {
        for my $socket ($sockets->can_read) {
            next if sysread $socket, my $dropped, 1 << 20;
            $sockets->remove($socket);
            close $socket;
            $sockets->add($next->());
        }
    }
}

# The same, of clients that ask once and never read.
sub asking_without_reading {
    my ($httpd, $count, @paths) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    my @sockets = map { _ask($httpd, $paths[ $_ % @paths ]) } 1 .. $count;
    sleep 60 while @sockets;
}

# A process may have gone before its file is read: undef.
sub slurp {
    my ($path) = @_;
    open my $fh, '<', $path or return;
    local $/;
    return scalar <$fh>;
}

# Its directory is made, too.
sub spew {
    my ($path, $bytes) = @_;
    make_path(dirname($path));
    IIIF::PrivateHttpd::spew($path, $bytes);
    return;
}

1;
