# The tests that run as a user program, on a machine that the caller describes: the system calls as programs meet them.
# ONLY='vmo_read L8' in the environment is those tests whose names have one of these words in them.
package UserTests;

use strict;
use warnings;
use Machine;

# Each test of the run becomes one of the script's, with the run's name behind it. Returns what Machine's relay() does.
sub relay {
    my ($name, $options, %machine) = @_;
    my $out = Machine::out('debug');
    my @only = split ' ', $ENV{ONLY} // '';
    return Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$out/bootfs-test", dir => "build/tests/user-$name",
        @only ? Machine::user_tests("build/tests/user-$name", @only) : (),
        fw => 'pvh', timeout => $ENV{TIMEOUT} || 400, cmdline => "init.run=tests$options",
        %machine, qemu_flags => join(' ', $machine{qemu_flags} // (), $ENV{QEMU_FLAGS} // ()),
    )->relay($name);
}

1;
