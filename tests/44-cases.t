# Programs as they are in the test suites of compilers and C libraries: language, numbers, and what the library does.
# Each of tests/cases does here what it does on the host.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib "$FindBin::Bin/lib";
use Cases;
use Make;
use Test::More;

my $dir = getcwd . '/build/tests/cases';
my $make = Make->new($dir, limit => 240);
is(($make->run('/dev/null', 'sdk'))[0], 0, 'make sdk makes the SDK');
my $cases = Cases->new($dir, sort glob 'tests/cases/*.cases');
my ($code, $stdout, $stderr) = $make->run('/dev/null', '-j2', '-rR', '-C', $dir);
is($code, 0, 'all are built, for the host and for here') or diag($stderr);
cmp_ok(scalar(() = $cases->cases), '>=', 100, 'a hundred and more');

($code, $stdout, $stderr) =
    $make->run('/dev/null', 'run', 'APP=tests/cases/run.c', 'PRIVILEGED=1', "FILES=$dir/programs", 'FW=pvh',
        'TIMEOUT=200');
is($code, 0, 'all are run') or diag($stderr);
my ($want, $got) = ($cases->on_host, $cases->from_output($stdout));
is($got->{$_->{name}}, $want->{$_->{name}}, "$_->{name}: $_->{about}") for $cases->cases;

# The manual's list of kinds: each is a case, and there are as many as it says.
my ($works, $not) = Machine::slurp('user/libc/README.md') =~ /^## What was tried\n(.*?)(^\| kind that .*)/ms;
my ($sum, $of) = $works =~ /(\d+) of (\d+) kinds work/;
my @parts = $works =~ /, (\d+) of (\d+):/g;
my @named = $works =~ /`(\w+)`/g;
my @missing = map { /`(\w+)`/g } map { (split /\|/)[1] } split /\n/, $not;
my %is_case = map { $_->{name} => 1 } $cases->cases;
is_deeply([grep { !$is_case{$_} } @named], ['daemon_failure'], 'what the manual says to work is a case, all but one');
is_deeply([scalar @named, $parts[0] + $parts[2], @named + @missing, $parts[1] + $parts[3]], [$sum, $sum, $of, $of],
    'and it counts them right');
done_testing;
