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
is($code, 0, 'all are built, for the host and for here') or BAIL_OUT($stderr);
cmp_ok(scalar(() = $cases->cases), '>=', 100, 'a hundred and more');

($code, $stdout, $stderr) =
    $make->run('/dev/null', 'run', 'APP=tests/cases/run.c', 'PRIVILEGED=1', "FILES=$dir/programs", 'FW=pvh',
        'TIMEOUT=200');
is($code, 0, 'all are run') or diag($stderr);
my ($want, $got) = ($cases->on_host, $cases->from_output($stdout));
is($got->{$_->{name}}, $want->{$_->{name}}, "$_->{name}: $_->{about}") for $cases->cases;
done_testing;
