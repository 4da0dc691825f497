#!/usr/bin/perl
# The fuzzers' corpora, and a few seconds of fuzzing from there; and the same programs of system calls with every
# allocation failing once.
use strict;
use warnings;
use File::Temp;

my $seconds = $ENV{FUZZ_SECONDS} // 3;
my @fuzzers = qw(syscalls elf args gdb);
my $number = 0;

$| = 1;
print '1..', 2 * @fuzzers + 1, "\n";

# Runs a command quietly; its output is told only if it fails.
sub ok_command {
    my ($what, @command) = @_;
    my $log = File::Temp->new;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDOUT, '>&', $log or die "$!\n";
        open STDERR, '>&', $log or die "$!\n";
        exec @command or die "$command[0]: $!\n";
    }
    waitpid $pid, 0;
    my $good = $? == 0;
    print $good ? '' : 'not ', 'ok ', ++$number, " - $what\n";
    return if $good;
    open my $in, '<', $log->filename or die "$!\n";
    my @lines = <$in>;
    print map { "# $_" } grep { !/^(INFO|#\d)/ } @lines[($#lines > 60 ? $#lines - 60 : 0) .. $#lines];
}

for my $fuzzer (@fuzzers) {
    my $program = "build/host/fuzz_$fuzzer";
    my $new = File::Temp->newdir;
    ok_command("$fuzzer: the corpus", $program, '-runs=0', "tests/host/corpus/$fuzzer");
    ok_command("$fuzzer: $seconds s of new inputs", $program, "-max_total_time=$seconds", '-timeout=20', '-max_len=400',
               "-artifact_prefix=$new/", $new, "tests/host/corpus/$fuzzer");
}
ok_command('every allocation of the corpus fails once', 'build/host/inject', 'tests/host/corpus/syscalls');
