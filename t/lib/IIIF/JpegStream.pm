# SPDX-License-Identifier: Apache-2.0
package IIIF::JpegStream;

# A JPEG as its segments (ITU-T T.81, annex B): what two streams have in common without decoding either.

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);

our @EXPORT_OK = qw(jpeg jpeg_tables jpeg_stream without_apps differences shown_as);

my ($SOI, $EOI, $SOS, $DQT, $DHT, $DRI, $COM) = (0xd8, 0xd9, 0xda, 0xdb, 0xc4, 0xdd, 0xfe);
my $ADOBE = "Adobe\0\x64\0\0\0\0";    # version 100, no flags; the transform follows

# jpeg(BYTES [, TABLES]): the stream, read after a stream of tables alone (JPEGTables of TIFF). Dies on
# what is no JPEG. A hash:
#   segments      [ [marker, payload] ... ] up to the first SOS, without TABLES'
#   frame         marker and payload of SOF, "c0 08..." in hexadecimal
#   width height components
#   quantization  destination => precision and values, huffman: class and destination => counts and values
#   restart       interval, 0 without
#   apps          { number => [ payload... ] }
#   scan          everything from behind the first SOS segment's header to before EOI; select: that header
#   behind        what follows EOI
sub jpeg {
    my ($bytes, $tables) = @_;
    my $stream = { segments => [], quantization => {}, huffman => {}, restart => 0, apps => {} };

    _define($stream, @{$_}) for defined $tables ? @{ (_segments($tables))[0] } : ();
    my ($segments, $at) = _segments($bytes);
    $stream->{segments} = $segments;
    _define($stream, @{$_}) for @{$segments};
    my ($last) = @{$segments} ? $segments->[-1] : die "no segment\n";
    die "no scan\n" unless $last->[0] == $SOS;
    die "no frame\n" unless $stream->{frame};
    my $end = _end_of_scans($bytes, $at);
    return { %{$stream}, select => $last->[1], scan => substr($bytes, $at, $end - $at), behind => substr $bytes, $end + 2 };
}

# Segments up to SOS or EOI, and where they end
sub _segments {
    my ($bytes) = @_;
    my ($at, @segments) = (2);

    die "no SOI\n" unless substr($bytes, 0, 2) eq "\xff\xd8";
    while ($at + 2 <= length $bytes) {
        my ($lead, $marker) = unpack 'CC', substr $bytes, $at, 2;
        die sprintf "%02x%02x is no marker, at %d\n", $lead, $marker, $at unless $lead == 0xff && $marker > 0xbf;
        return (\@segments, $at) if $marker == $EOI;
        die "a segment is cut, at $at\n" if $at + 4 > length $bytes;
        my $length = unpack 'n', substr $bytes, $at + 2, 2;
        die "a segment is cut, at $at\n" if $at + 2 + $length > length $bytes;
        push @segments, [ $marker, substr $bytes, $at + 4, $length - 2 ];
        $at += 2 + $length;
        return (\@segments, $at) if $marker == $SOS;
    }
    die "the stream has no end\n";
}

# Of a progressive stream, segments and further scans are passed over.
sub _end_of_scans {
    my ($bytes, $at) = @_;

    while ((my $next = index $bytes, "\xff", $at) >= 0) {
        die "the scan has no end\n" if $next + 1 >= length $bytes;
        my $marker = ord substr $bytes, $next + 1, 1;
        return $next if $marker == $EOI;
        $at = $next + ($marker == 0xff ? 1 : 2);
        next if $marker == 0 || $marker == 0xff || $marker >= 0xd0 && $marker <= 0xd7;
        $at += unpack 'n', substr $bytes, $next + 2, 2;
    }
    die "the scan has no end\n";
}

sub _define {
    my ($stream, $marker, $payload) = @_;

    return _define_quantization($stream, $payload) if $marker == $DQT;
    return _define_huffman($stream, $payload) if $marker == $DHT;
    return push @{ $stream->{apps}{ $marker - 0xe0 } }, $payload if $marker >= 0xe0 && $marker <= 0xef;
    $stream->{restart} = unpack 'n', $payload if $marker == $DRI;
    return unless $marker >= 0xc0 && $marker <= 0xcf && $marker != 0xc8 && $marker != 0xcc;
    die "a second frame\n" if $stream->{frame};
    $stream->{frame} = sprintf '%02x %s', $marker, unpack 'H*', $payload;
    @{$stream}{qw(height width components)} = unpack 'x n n C', $payload;
    return;
}

sub _define_quantization {
    my ($stream, $payload) = @_;

    while (length $payload) {
        my $head = ord $payload;
        my $length = $head >> 4 ? 128 : 64;
        $stream->{quantization}{ $head & 15 } = ($head >> 4) . unpack 'H*', substr $payload, 1, $length;
        $payload = substr $payload, 1 + $length;
    }
    return;
}

sub _define_huffman {
    my ($stream, $payload) = @_;

    while (length $payload) {
        my ($head, @counts) = unpack 'C17', $payload;
        my $length = 16;
        $length += $_ for @counts;
        $stream->{huffman}{ sprintf '%02x', $head } = unpack 'H*', substr $payload, 1, $length;
        $payload = substr $payload, 1 + $length;
    }
    return;
}

# -- writing ------------------------------------------------------------------------------------

# Segments as a stream, and what follows them
sub jpeg_stream {
    my ($segments, @rest) = @_;
    return join '', "\xff\xd8", (map { pack 'CCna*', 0xff, $_->[0], 2 + length $_->[1], $_->[1] } @{$segments}), @rest;
}

# jpeg_tables(STREAM): what JPEGTables of TIFF holds for it, and the stream without (Technical Note 2)
sub jpeg_tables {
    my ($bytes) = @_;
    my $stream = jpeg($bytes);
    my @tables = grep { $_->[0] == $DQT || $_->[0] == $DHT } @{ $stream->{segments} };
    my @others = grep { $_->[0] != $DQT && $_->[0] != $DHT } @{ $stream->{segments} };

    return (jpeg_stream(\@tables, "\xff\xd9"), jpeg_stream(\@others, $stream->{scan}, "\xff\xd9"));
}

# The stream without APPn and COM, as libtiff writes it
sub without_apps {
    my ($bytes) = @_;
    my $stream = jpeg($bytes);
    my @others = grep { ($_->[0] < 0xe0 || $_->[0] > 0xef) && $_->[0] != $COM } @{ $stream->{segments} };

    return jpeg_stream(\@others, $stream->{scan}, "\xff\xd9");
}

# shown_as(STREAM, TRANSFORM): the stream with an APP14 of Adobe in place of all APPn. With transform
# 0, decoders show Y, Cb and Cr as R, G and B: the luma is there to be read, exactly.
sub shown_as {
    my ($bytes, $transform) = @_;
    my $plain = without_apps($bytes);

    return substr($plain, 0, 2) . pack('CCna*C', 0xff, 0xee, 2 + 1 + length $ADOBE, $ADOBE, $transform) . substr $plain, 2;
}

# -- comparing ----------------------------------------------------------------------------------

# Names of what is not the same in two streams, of those given; '' when all is
sub differences {
    my ($a, $b, @parts) = @_;
    return join ', ', grep { _text($a->{$_}) ne _text($b->{$_}) } @parts;
}

sub _text {
    my ($part) = @_;
    return ref $part ? join ' ', map { "$_=$part->{$_}" } sort keys %{$part} : $part;
}

1;
