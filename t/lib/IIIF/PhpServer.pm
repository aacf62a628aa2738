# SPDX-License-Identifier: Apache-2.0
package IIIF::PhpServer;

# PHP behind a socket in a temporary directory, as php-fpm is on a site: for what stands for an application behind the
# module. It goes with the object, and with the process that made it.

use strict;
use warnings FATAL => 'all';
use File::Temp ();
use POSIX ();
use IIIF::PrivateHttpd ();

my $owner = $$;    # forked clients leave the server alone

# new($processes): that many answer at a time.
sub new {
    my ($class, $processes) = @_;
    my $self = bless { directory => File::Temp->newdir(TMPDIR => 1) }, $class;

    chmod 0755, $self->directory;
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        local %ENV = (%ENV, PHP_FCGI_CHILDREN => $processes, PHP_FCGI_MAX_REQUESTS => 0);
        open STDERR, '>', $self->directory . '/error_log' or POSIX::_exit(99);
        open STDOUT, '>&', \*STDERR or POSIX::_exit(99);
        { no warnings; exec 'setpriv', '--pdeathsig', 'TERM', '--', 'php-cgi', '-n', '-d', 'extension=mysqlnd', '-d', 'extension=pdo',
                '-d', 'extension=pdo_mysql', '-b', $self->socket; }
        POSIX::_exit(99);
    }
    IIIF::PrivateHttpd::until_true(sub { -S $self->socket }) or die 'PHP does not start: ' . $self->error_log;
    return $self;
}

sub directory { my ($self) = @_; return "$self->{directory}" }
sub socket    { my ($self) = @_; return "$self->{directory}/php.sock" }

# PIDs of those that answer
sub pids {
    my ($self) = @_;
    return split ' ', IIIF::PrivateHttpd::slurp("/proc/$self->{pid}/task/$self->{pid}/children");
}

sub error_log { my ($self) = @_; return IIIF::PrivateHttpd::slurp($self->directory . '/error_log') }

# How httpd reaches it, with the modules that it needs.
sub conf {
    my ($self, $httpd) = @_;
    return $httpd->load(qw(proxy proxy_fcgi)) . <<"CONF";
<FilesMatch "\\.php\$">
    ProxyFCGIBackendType GENERIC
    SetHandler "proxy:unix:${\ $self->socket}|fcgi://localhost"
</FilesMatch>
CONF
}

sub DESTROY {
    my ($self) = @_;
    return unless $$ == $owner;
    local ($@, $?);
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
