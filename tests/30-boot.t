# Every kind of machine that is promised boots and runs a program: both chipsets, both processors, each firmware, one
# and more CPUs, debug and release. Any two of these meet. UEFI takes its firmware seconds to start, so it gets fewer
# combinations.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Machine;
use Test::More;

my @matrix;
for my $build ('debug', 'release') {
    for my $smp (1, 2, 4) {
        my @machines = (['pc', $smp == 2 ? 'qemu64' : 'max'], ['q35', $smp == 2 ? 'max' : 'qemu64']);
        @machines = reverse @machines if ($build eq 'debug') == ($smp == 2);
        push @matrix, map { [$build, ('bios', 'pvh')[$_], $smp, @{$machines[$_]}] } 0, 1;
    }
}
push @matrix, ['debug', 'uefi', 2, 'q35', 'max'], ['debug', 'uefi', 1, 'pc', 'qemu64'],
    ['release', 'uefi', 4, 'q35', 'qemu64'], ['release', 'uefi', 2, 'pc', 'max'];

for my $case (@matrix) {
    my ($build, $fw, $smp, $machine, $cpu) = @$case;
    my $out = Machine::out($build);
    my $result = Machine->new(
        kernel => "$out/kernel.elf", bootfs => "$out/bootfs", dir => 'build/tests/boot', fw => $fw, smp => $smp,
        machine => $machine, cpu => $cpu, cmdline => 'init.run=hello',
    )->run;
    my @faults = Machine::faults($result);
    push @faults, 'the program was not heard' unless $result->{console} =~ /hello/i;
    my ($free, $pages) = $result->{log} =~ /power off after \d+ ms, (\d+) of (\d+) pages free/;
    push @faults, 'the last line does not count the pages' unless defined $free && $free <= $pages;
    ok(!@faults, "$build $machine $cpu $fw, CPUs: $smp");
    diag($_) for Machine::explain($result, @faults);
}
done_testing;
