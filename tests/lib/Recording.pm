# A recording: a run of the system that can be run again, to the instruction, forwards and backwards. It has a folder of
# its own with all that needs: what the machine heard from outside and its first state (arch/*/Emulator.pm), the kernel,
# the boot archive, the program with its symbols, and what the machine was. A recording is there once it is whole, and
# is made or replayed by one at a time.
package Recording;
use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::MD5 qw(md5_hex);
use Fcntl qw(:flock);
use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Path qw(make_path);
use Machine;

use constant ROOT => ($ENV{O} || 'build') . '/recordings';

# What any machine is that is recorded, and what is its own.
my %always = (smp => 1, fw => 'pvh', accel => 'tcg');
my @own = qw(cpu machine mem cmdline qemu_flags);

# The folder of what make's command line calls APP=FILE or TESTS=WORDS, and locks it for as long as the object lives.
sub locked {
    my ($class, $name) = @_;
    my ($kind, $what) = $name =~ /^(\w+)=(.*)$/s or die "$name is neither APP= nor TESTS=\n";
    my $whole = $kind eq 'APP' ? abs_path($what) // $what : $what;
    my $folder = ($kind eq 'APP' ? basename($what) : 'tests') . '-' . substr md5_hex($whole), 0, 8;
    my $self = bless {name => $name, folder => $folder, dir => ROOT . "/$folder"}, $class;
    make_path($self->{dir});
    open $self->{lock}, '>', "$self->{dir}/lock" or die "$self->{dir}/lock: $!\n";
    flock $self->{lock}, LOCK_EX | LOCK_NB or die "$name is being recorded or replayed already\n";
    return $self;
}

sub file { my ($self, $name) = @_; return "$self->{dir}/$name" }

# The machine to record; the arguments are those of Machine::new(). An earlier recording of that name is replaced.
sub begin {
    my ($class, $name, %args) = @_;
    for (sort keys %always) {
        my $wish = $ENV{uc $_} // '';
        die "record: only a machine with \U$_\E=$always{$_} can be recorded, not $wish\n"
            if length $wish && $wish ne $always{$_};
    }
    my $self = $class->locked($name);
    unlink map { $self->file($_) } qw(settings events disk);
    my $program = $name =~ /^APP=/ ? 'app.elf' : 'tests.elf';
    my %from = ('kernel.elf' => $args{kernel}, bootfs => $args{bootfs}, 'program.elf' => "$args{dir}/$program");
    copy($from{$_}, $self->file($_)) or die $self->file($_) . ": $!\n" for keys %from;
    $self->{machine} = Machine->new(%args, $self->machine_args, recording => 'record');
    $self->{machine}->recording_begin;
    return $self;
}

sub machine_args {
    my ($self) = @_;
    return (%always, kernel => $self->file('kernel.elf'), bootfs => $self->file('bootfs'), dir => $self->{dir});
}

# After the run. False, and says why, if the emulator did not come to its end: what it writes last comes first in the
# file, the version.
sub keep {
    my ($self) = @_;
    if (substr(Machine::slurp($self->file('events')), 0, 4) =~ /^\0*$/) {
        print STDERR "jargoon: the recording broke off, and cannot be replayed\n";
        return 0;
    }
    Machine::spew($self->file('settings'), join '', map { "$_=$self->{machine}{$_}\n" } @own);
    Machine::spew(ROOT . '/last', "$self->{name}\n");
    print STDERR "jargoon: recorded; `make replay` gives it back\n";
    return 1;
}

# The machine that replays the recording of that name, the last one made if that is empty.
sub replay {
    my ($class, $name) = @_;
    ($name) = Machine::slurp(ROOT . '/last') =~ /^(.*)\n/s unless length $name;
    die "there is no recording yet; `make record APP=file.c` makes one\n" unless defined $name;
    my $self = $class->locked($name);
    my %settings = Machine::slurp($self->file('settings')) =~ /^(\w+)=(.*)$/mg
        or die "there is no recording of $name; `make record $name` makes one\n";
    $self->{machine} = Machine->new(%settings, $self->machine_args, console => 'file', recording => 'replay');
    return $self;
}

1;
