# The boot image as a person has it: on a CD and on a USB stick, under BIOS and UEFI, on a machine that has a screen and
# none of the devices by which tests are heard. The screen says where the console is, and a program is heard there.
use strict;
use warnings;
use FindBin;
use IPC::Open2 qw(open2);
use lib "$FindBin::Bin/lib";
use Machine;
use Make;
use Test::More;
use Time::HiRes qw(time sleep);

my $HEARD = qr/^That was the tour\b/m;
use constant {PATIENCE => 60, SCREEN => 0xb8000, CELLS => 2000};

my $make = Make->new('build/tests/iso');
my ($code, $stdout, $stderr) = $make->run('/dev/null', 'iso', 'BUILD=release');
is($code, 0, 'make iso') or diag($stderr);
my $words = qr/Jargoon: the console is the first serial line, 115200 8N1, not this screen\./;

my $iso = 'build/release/jargoon.iso';
my @stick = (qw(-device qemu-xhci -device), 'usb-storage,drive=stick,bootindex=0', '-drive',
    "if=none,id=stick,format=raw,readonly=on,file=$iso");

# Starts it; returns what was on its serial line when a program was heard, and on its screen in text mode.
sub boot {
    my (@more) = @_;
    my $line = 'build/tests/iso/line';
    unlink $line;
    my $pid = open2(my $from, my $to, qw(qemu-system-x86_64 -nodefaults -display none -vga std -accel tcg -m 256M
        -monitor stdio -cpu max -serial), "file:$line", @more);
    my $limit = time + PATIENCE;
    sleep 0.05 until Machine::slurp($line) =~ $HEARD || time > $limit;
    print $to sprintf("xp /%dxh 0x%x\nquit\n", CELLS, SCREEN);
    close $to;
    my $cells = do { local $/; <$from> };
    waitpid $pid, 0;
    my $screen = join '', map { chr(hex() & 255) } $cells =~ /(?<=0x)[0-9a-f]{4}\b/g;
    return (Machine::slurp($line), $screen);
}

for my $kept (['a CD', '-cdrom', $iso], ['a stick', @stick]) {
    my ($name, @how) = @$kept;
    my ($line, $screen) = boot(@how);
    like($line, $HEARD, "BIOS, $name: programs are heard on the first serial line");
    like($screen, $words, "BIOS, $name: the screen says so");
}
my ($line) = boot('-bios', '/usr/share/ovmf/OVMF.fd', @stick);
like($line, qr/$words.*$HEARD/s, 'UEFI, a stick: both, for UEFI shows on the line what is on the screen');
done_testing;
