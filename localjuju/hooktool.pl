#!/usr/bin/perl
# What every hook tool is in the machine: it hands its arguments to the unit agent and prints the answer.
#
# In Perl, which every Debian and Ubuntu has, and without modules: a hook starts it again and again, and this is
# a third of what a bare Python needs. The request is `<length of arguments> <length of input>` and a newline, then
# context, name and arguments between zero bytes, then the input; the answer is `<exit code> <length of output>` and
# a newline, then output and errors.

sub ended { syswrite STDERR, "ERROR $_[0]\n"; exit 1 }

my $path;  # the file to read: --file PATH, --file=PATH, and - for standard input
for my $index (0 .. $#ARGV) {
    $path = $ARGV[$index] eq '--file' ? $ARGV[$index + 1] : $ARGV[$index] =~ /\A--file=(.*)/s ? $1 : next;
    last if defined $path;
}
my $input = '';
if (defined $path) {
    open STDIN, '<', $path or ended("cannot read $path: $!") if $path ne '-';
    1 while sysread STDIN, $input, 65536, length $input;
}

my ($name) = $0 =~ m{([^/]*)\z};
my $arguments = join "\0", $ENV{JUJU_CONTEXT_ID} // '', $name, @ARGV;
my $request = length($arguments) . ' ' . length($input) . "\n$arguments$input";
my $address = pack 'S a108', 1, $ENV{JUJU_AGENT_SOCKET_ADDRESS} // '';  # struct sockaddr_un
socket my $agent, 1, 1, 0;  # AF_UNIX, SOCK_STREAM
connect $agent, $address or ended("cannot reach the unit agent: $!");
for (my $sent = 0; $sent < length $request;) {
    $sent += syswrite($agent, $request, 65536, $sent) || ended("the unit agent has gone");
}
my $answer = '';
1 while sysread $agent, $answer, 65536, length $answer;
my ($code, $length) = $answer =~ s/\A(\d+) (\d+)\n// ? ($1, $2) : ended("the unit agent has gone");
for ([*STDOUT, substr $answer, 0, $length], [*STDERR, substr $answer, $length]) {
    my ($stream, $text) = @$_;
    while (length $text) {
        substr $text, 0, syswrite($stream, $text) || exit($code), '';
    }
}
exit $code;
