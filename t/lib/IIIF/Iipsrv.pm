# SPDX-License-Identifier: Apache-2.0
package IIIF::Iipsrv;

# Debian's iipsrv beside our module, for the benchmarks: bound to ports of its own for mod_proxy_fcgi, or started by
# mod_fcgid; configured to give what our module gives.

use strict;
use warnings FATAL => 'all';
use IO::Socket::INET ();
use POSIX ();
use IIIF::PrivateHttpd ();

my $PROGRAM = '/usr/lib/iipimage-server/iipsrv.fcgi';

# new($httpd, $sources, $processes): as many listen for mod_proxy_fcgi, until stopped or this program goes. Another
# program can stand in its place, with variables of its own: program => PATH, environment => { ... }.
sub new {
    my ($class, $httpd, $sources, $processes, %other) = @_;
    my $self = bless {
        httpd => $httpd, processes => $processes, bound => {}, owner => $$, program => $PROGRAM,
        environment => { VERBOSITY => 0, JPEG_QUALITY => 85, FILESYSTEM_PREFIX => "$sources/" }, %other,
    }, $class;
    $self->_bind for 1 .. $processes;
    return $self;
}

sub version {
    chomp(my $version = `dpkg-query -W -f '\${Version}' iipimage-server 2>/dev/null`);
    return $version;
}

# PIDs of those that listen.
sub pids { my ($self) = @_; return keys %{ $self->{bound} } }

sub stop {
    my ($self) = @_;
    kill 'TERM', $self->pids if $self->pids;
    waitpid $_, 0 for $self->pids;
    $self->{bound} = {};
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($@, $?);
    $self->stop if $$ == $self->{owner};    # forked clients leave it alone
    return;
}

# Each way to run it, as [ name, configuration of httpd ].
sub ways {
    my ($self) = @_;
    my $modules = $self->{httpd}->modules =~ m{(\S+)/mod_mpm_event} ? $1 : die "where are httpd's modules?\n";
    my @ports = values %{ $self->{bound} };
    return (
        [ 'mod_fcgid, 1 process',                     $self->_fcgid($modules, 1) ],
        [ "mod_fcgid, $self->{processes} processes",  $self->_fcgid($modules, $self->{processes}) ],
        [ 'mod_proxy_fcgi, 1 process',                _proxy($modules, $ports[0]) ],
        [ "mod_proxy_fcgi, $self->{processes} processes", _proxy($modules, @ports) ],
    );
}

sub _fcgid {
    my ($self, $modules, $processes) = @_;
    my ($directory, $environment) = ($self->{httpd}->directory, $self->{environment});
    return <<"CONF" . join '', map { "FcgidInitialEnv $_ $environment->{$_}\n" } sort keys %$environment;
LoadModule fcgid_module $modules/mod_fcgid.so
FcgidIPCDir $directory/fcgid
FcgidProcessTableFile $directory/fcgid_table
FcgidIdleTimeout 0
FcgidMaxRequestsPerProcess 0
FcgidMaxProcessesPerClass $processes
ScriptAlias /iipsrv/iipsrv.fcgi $self->{program}
<Location /iipsrv>
    Require all granted
    SetHandler fcgid-script
    Options +ExecCGI
</Location>
CONF
}

sub _proxy {
    my ($modules, @ports) = @_;
    return <<"CONF";
LoadModule slotmem_shm_module $modules/mod_slotmem_shm.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_fcgi_module $modules/mod_proxy_fcgi.so
LoadModule proxy_balancer_module $modules/mod_proxy_balancer.so
LoadModule lbmethod_byrequests_module $modules/mod_lbmethod_byrequests.so
<Proxy balancer://iipsrv>
${\ join "\n", map { "    BalancerMember fcgi://127.0.0.1:$_" } @ports }
</Proxy>
ProxyPass /iipsrv/ balancer://iipsrv/
CONF
}

sub _bind {
    my ($self) = @_;
    my $port = IIIF::PrivateHttpd::free_port();
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        local %ENV = (%ENV, %{ $self->{environment} });
        open STDERR, '>', $self->{httpd}->directory . '/iipsrv.log' or POSIX::_exit(1);
        open STDOUT, '>&', \*STDERR or POSIX::_exit(1);
        exec $self->{program}, '--bind', "127.0.0.1:$port" or POSIX::_exit(1);
    }
    $self->{bound}{$pid} = $port;
    IIIF::PrivateHttpd::until_true(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) })
        or die "$self->{program} does not start\n";
    return;
}

1;
