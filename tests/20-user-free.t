# The user tests (tests/lib/UserTests.pm) on several plain processors that run freely, as many as SMP= says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use UserTests;

UserTests::relay('free', '', cpu => $ENV{CPU} || 'qemu64', smp => $ENV{SMP} || 2);
done_testing;
