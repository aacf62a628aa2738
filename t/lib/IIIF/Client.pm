# SPDX-License-Identifier: Apache-2.0
package IIIF::Client;

# A client that sends what it is told, byte for byte: URI libraries tidy "^", "[" and "..", and
# user agents follow redirects.

use strict;
use warnings FATAL => 'all';
use Apache::TestRequest ();
use Exporter qw(import);
use HTTP::Response ();
use Image::Magick ();
use IO::Socket::INET ();
use JSON::PP ();

our @EXPORT_OK = qw(ask get info dims_of dims_of_file answered_by plan_of raw h2);

our $PORT;    # of a private httpd; undefined: the tests' own

sub hostport {
    return defined $PORT ? "127.0.0.1:$PORT" : Apache::TestRequest::hostport();
}

# What stands before the path of a URL there.
sub origin {
    return 'http://' . hostport();
}

# Bytes out, bytes in, until the server closes.
sub raw {
    my ($bytes) = @_;
    my $socket = IO::Socket::INET->new(hostport()) or die "no connection: $!\n";

    print {$socket} $bytes;
    $socket->flush;
    local $/;
    my $answer = <$socket>;
    die "the connection was closed without an answer\n" unless defined $answer;
    return $answer;
}

sub unchunk {
    my ($body) = @_;
    my $whole = '';

    while ($body =~ /\G([0-9A-Fa-f]+)[^\r\n]*\r\n/gc and my $length = hex $1) {
        $whole .= substr $body, pos $body, $length;
        pos($body) += $length + 2;
    }
    return $whole;
}

# ask(METHOD, TARGET, [BODY,] HEADER => VALUE...): one request, one HTTP::Response.
sub ask {
    my ($method, $target, @rest) = @_;
    my $body = @rest % 2 ? shift @rest : '';
    my $head = "$method $target HTTP/1.1\r\nConnection: close\r\n";
    my $has_host = 0;

    while (my ($name, $value) = splice @rest, 0, 2) {
        $head .= "$name: $value\r\n";
        $has_host ||= lc $name eq 'host';
    }
    $head .= 'Host: ' . hostport() . "\r\n" unless $has_host;
    $head .= 'Content-Length: ' . length($body) . "\r\n" if length $body;
    my $response = HTTP::Response->parse(raw("$head\r\n$body"));
    $response->content(unchunk($response->content)) if lc($response->header('Transfer-Encoding') // '') eq 'chunked';
    return $response;
}

sub get {
    my ($target, @headers) = @_;
    return ask('GET', $target, @headers);
}

# The image information document behind a base URI's path; a hash, empty when there is none.
sub info {
    my ($base, @headers) = @_;
    my $response = get("$base/info.json", @headers);
    return $response->code == 200 ? JSON::PP::decode_json($response->content) : {};
}

# "WIDTHxHEIGHT" of the image in an answer, or what is wrong with it.
sub dims_of {
    my ($response) = @_;
    return 'status ' . $response->code unless $response->code == 200;
    my $image = Image::Magick->new;
    my $said = $image->BlobToImage($response->content);
    return $said ? "no image: $said" : join 'x', $image->Get('width', 'height');
}

sub dims_of_file {
    my ($path) = @_;
    open my $fh, '<:raw', $path or die "$path: $!\n";
    local $/;
    return dims_of(HTTP::Response->new(200, 'OK', [], scalar <$fh>));
}

# Who answered? t/conf/sites/requests.conf has each answer of the module's own say what it took the
# request for; the front controller says so in its body; the rest is httpd itself.
sub answered_by {
    my ($response) = @_;
    return 'iiif ' . $response->header('X-IIIF-Kind') if $response->header('X-IIIF-Kind');
    return 'front controller' if $response->content eq "the rest of httpd\n";
    return 'httpd';
}

# How the answer was made, as the module noted
sub plan_of {
    my ($response) = @_;
    my $plan = $response->header('X-IIIF-Plan') // '';
    return $response->code . ($plan eq '' ? ' without a plan' : " $plan");
}

# h2(TARGET, CURL ARGUMENT...): the same over cleartext HTTP/2.
sub h2 {
    my ($target, @arguments) = @_;
    my @command = (
        qw(curl --silent --show-error --include --globoff --path-as-is --http2-prior-knowledge --max-time 30), @arguments,
        origin() . $target
    );
    open my $curl, '-|:raw', @command or die "curl: $!\n";
    local $/;
    my $answer = <$curl>;
    close $curl or die "curl failed for $target: $?\n";
    return HTTP::Response->parse($answer);
}

1;
