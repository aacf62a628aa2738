# SPDX-License-Identifier: Apache-2.0
package IIIF::PrivateHttpd;

# A httpd of a test's own, in a directory of its own, on a port that nobody has: to try another MPM,
# a configuration that is wrong, or a restart. It is stopped when the object goes.

use strict;
use warnings FATAL => 'all';
use Cwd qw(getcwd);
use Exporter qw(import);
use File::Path qw(make_path);
use File::Temp ();
use IO::Socket::INET ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(slurp spew);

my $PATIENCE = 30;    # seconds: far more than any of this takes
my $owner    = $$;    # forked clients leave the server alone

# new(mpm => 'event', without => [ MODULE... ], conf => TEXT): nothing is started yet.
sub new {
    my ($class, %arguments) = @_;
    my $self = bless {
        mpm => 'event', without => [], conf => '', directory => File::Temp->newdir(TMPDIR => 1),
        port => free_port(), started => 0, %arguments,
    }, $class;

    make_path("$self->{directory}/htdocs");
    $self->configure($self->{conf});
    return $self;
}

sub free_port {
    my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "no free port: $!\n";
    return $socket->sockport;
}

sub directory { my ($self) = @_; return "$self->{directory}" }
sub port      { my ($self) = @_; return $self->{port} }
sub origin    { my ($self) = @_; return "http://127.0.0.1:$self->{port}" }

# The modules of the tests' httpd, with this one's MPM.
sub modules {
    my ($self) = @_;
    my %without = map { $_ => 1 } @{ $self->{without} };
    my $modules = slurp('t/conf/modules.conf');

    $modules =~ s/mpm_event_module(\s+\S+)mod_mpm_event/mpm_$self->{mpm}_module$1mod_mpm_$self->{mpm}/ or die "modules.conf loads no MPM\n";
    return join "\n", grep { !/^LoadModule\s+(\S+)/ || !$without{$1} } split /\n/, $modules;
}

# Write its httpd.conf, with TEXT at the end.
sub configure {
    my ($self, $text) = @_;
    my ($directory, $top, $modules) = ($self->directory, getcwd(), $self->modules);

    spew("$directory/httpd.conf", <<"CONF");
ServerRoot $directory
ServerName localhost
Listen 127.0.0.1:$self->{port}
PidFile httpd.pid
DefaultRuntimeDir $directory
ErrorLog error_log
LogLevel info
DocumentRoot $directory/htdocs
$modules
TypesConfig /dev/null
LoadModule iiif_image_module $top/apxs-build/lib/mod_iiif_image.so
Define TOP $top
Define FIXTURES $top/apxs-build/fixtures
<Directory $top/apxs-build/fixtures>
    Require all granted
</Directory>
$text
CONF
    return;
}

# This machine's httpd, as apxs knows it.
sub httpd {
    my $apxs = $ENV{APXS} // 'apxs';
    chomp(my ($directory, $name) = map { scalar `$apxs -q $_` } qw(SBINDIR PROGNAME));
    return "$directory/$name";
}

# httpd's exit status, and what it says.
sub run {
    my ($self, @arguments) = @_;
    my $httpd = httpd();
    my $said = `$httpd -f $self->{directory}/httpd.conf @arguments 2>&1`;
    return ($? >> 8, $said);
}

sub start {
    my ($self) = @_;
    my $before = $self->generations;
    my ($status, $said) = $self->run('-k start');
    die "httpd did not start: $said" . $self->error_log if $status;
    until_true(sub { $self->generations > $before }) or die 'httpd did not start: ' . $self->error_log;
    $self->{started} = 1;
    return;
}

sub stop {
    my ($self) = @_;
    return unless $self->{started};
    my ($pid) = slurp("$self->{directory}/httpd.pid") =~ /(\d+)/;
    $self->run('-k stop');
    $self->{started} = 0;
    return if until_true(sub { !kill 0, $pid });
    kill 'KILL', $pid;
    die "httpd had to be killed\n";
}

# Restart gracefully, and come back when the new generation is at work.
sub restart {
    my ($self) = @_;
    my $before = $self->generations;
    my ($status, $said) = $self->run('-k graceful');
    die "no restart: $said" if $status;
    return until_true(sub { $self->generations > $before });
}

sub generations {
    my ($self) = @_;
    return scalar(() = $self->error_log =~ /resuming normal operations/g);
}

sub error_log {
    my ($self) = @_;
    return -e "$self->{directory}/error_log" ? slurp("$self->{directory}/error_log") : '';
}

sub until_true {
    my ($condition) = @_;
    my $deadline = time + $PATIENCE;

    until ($condition->()) {
        return 0 if time > $deadline;
        sleep 0.02;
    }
    return 1;
}

sub slurp {
    my ($path) = @_;
    open my $fh, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$fh>;
}

sub spew {
    my ($path, $text) = @_;
    open my $fh, '>:raw', $path or die "$path: $!\n";
    print $fh $text;
    close $fh or die "$path: $!\n";
    return;
}

sub DESTROY {
    my ($self) = @_;
    return unless $$ == $owner;
    local ($@, $?);
    $self->stop;
    return;
}

1;
