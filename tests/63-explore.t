#!/usr/bin/perl
# Two calls at once in all orders, with up to two preemptions: the pairs that are quick to explore. `make explore` takes
# all. Each scenario must end as some order of its calls would, with nothing left behind and no thread stuck. Threads
# that find a mutex taken block at once; in the last pairs they spin before.
use strict;
use warnings;

my @scenarios = qw(
    process_write+unmap@same process_write+decommit@same process_write+shrink@same process_write+map_over@same
    process_write+vmar_destroy@same process_write+protect@same process_write+snapshot@same
    process_write+process_write@same process_write_forced+shrink@same process_write_forced+process_write_forced@same
    process_write_forced+unmap_read_only@same process_write_orphan+unmap_orphan@same
    process_write_two+decommit@snapshot process_write_mapped+unmap_peer@same process_write+kill_peer@same
    process_write+suspend_and_resume@same process_read+zero@same store+decommit@same store+snapshot@same
    store_absent+store_absent@same store+protect_peer@same load+shrink@same store+unmap_peer@same
    load+decommit@slice store+store@together store+unmap@together
    execute+vmar_destroy_peer@same process_write_forced+shrink+grow@same
    reclaim+load_absent@together reclaim+store@together reclaim+process_exit@same reclaim+process_write@same
    reclaim+decommit@same reclaim+snapshot@same reclaim+unmap@together starve+kill_peer@same
    starve+suspend_and_resume@same
    snapshot_empty+cache_policy@same slice+close_slice@same commit+decommit@same close+duplicate@together
    close+replace@together close+signal@together close+transfer@together close+wait@together duplicate+transfer@together
    signal+wait@together wait_pair+close_pair@together channel_write+channel_wait@together
    channel_read+close_channel@together channel_swallow+close_channel@together
    channel_call+channel_answer@together port_queue+port_wait@together
    port_watch+signal@together port_cancel+signal@together futex_wait+futex_change_and_wake@together
    futex_requeue+futex_wait@together start_egg+close_egg@together
    close+signal@copied close+duplicate@copied close+wait@copied close+transfer@copied signal+signal+close@copied
    close_egg+duplicate_egg@together process_create+job_create@same
    job_create_and_close+job_create_and_close@same
    fault+catch@same fault+kill_peer@same fault+suspend_and_resume@same fault+bind@together
    fault+close_catch@same bind+kill_peer@same exception_exit+suspend_victim@same exception_close+kill_victim@same
    exception_exit+exception_thread@together read_victim+exception_exit@same exception_close+close_catch@together
    kill_nest+job_create@same close_nest+process_create@together kill_nest+start_egg@same
    process_create+close_found_process@same wait_nest+kill_nest@same decommit+close_snapshot@together
    close+port_watch_and_cancel@together port_watch_twice+signal+close@together
    close+transfer_etc@together close+duplicate_etc@together replace+duplicate_etc@together
    channel_read_etc+transfer_etc@together channel_call_etc+channel_answer@together
    resource_create+resource_create_over@same resource_create+resource_create_beside@same
    resource_create+close_resource@together set_policy+process_create@same interrupt_wait+interrupt_trigger@same
    interrupt_wait+close_interrupt@together interrupt_bind+interrupt_trigger+interrupt_destroy@same
);

# Quick to explore with one preemption.
my @long = qw(starve+starve@together starve+process_exit@together);

my @spinning = qw(
    commit+commit@same process_write+commit@same process_write_forced+store_absent@same
    process_write_forced+process_write@same duplicate+close@together futex_wait+futex_change_and_wake@together
);

# With nothing left out, these must reach the same ends.
my @whole = qw(
    process_write+unmap@same commit+shrink@same process_write_forced+shrink@same close+duplicate@together
    futex_wait+futex_change_and_wake@together resource_create+close_resource@together set_policy+process_create@same
);

# What it cannot do it says, and does not begin: no such act, too few or too many, no such way to share, no number …
my @pair = 'load+load@same';
my @refused = (
    [2, "no act 'nonsense'", 'nonsense+load'], [2, "no act 'nonsense'", 'load+nonsense@same'], [2, 'two acts', 'load'],
    [2, 'two acts', ''], [2, 'two acts', 'load+load+load+load@same'], [2, 'no way to share', 'load+load@nowhere'],
    [2, "no act 'nonsense'", @pair, 'nonsense+load'],
    [2, '-k takes', '-k', 'two', @pair], [2, '-k takes', '-k', -1, @pair], [2, '-k takes', '-k', '', @pair],
    [2, '-k takes', '-k', 1.5, @pair], [2, '-t takes', '-t', 'soon', @pair], [2, '-t takes', '-t', -1, @pair],
    [2, '-t takes', '-t', 'nan', @pair], [2, '-j takes', '-j', 0, @pair], [2, '-j takes', '-j', 17, @pair],
    [2, 'option', '-k'], [2, 'option', '-z', @pair],
    [2, 'not a schedule', '-r', '1', @pair], [2, 'not a schedule', '-r', '1:x', @pair],
    [2, 'not a schedule', '-r', '1:1 oh', @pair], [2, 'not a schedule', '-r', '1:9', @pair],
    [2, 'not a schedule', '-r', '1:1 ' x 1000, @pair], [2, 'one scenario', '-r', '1:1'],
    [2, 'one scenario', '-r', '1:1', @pair, @pair], [2, "each act's name", '-r', '1:1', '+load@same'],
    [1, "another build's", '-r', '59999:1', @pair], [1, "another build's", '-r', '1:4', @pair],
    [1, "another build's", '-r', '1:5', @pair],
);

my $number = 0;
print '1..', @scenarios + @long + @spinning + @whole + @refused, "\n";
my %ends; # of each that was explored

# Explores them, with these options, and says of each how it ended. Ends that were reached before are reached again.
sub explore {
    my ($how, $options, @names) = @_;
    open my $in, '-|', 'build/host/explore', '-k', 2, '-j', 2, @$options, @names or die "build/host/explore: $!\n";
    my %left = map { $_ => 1 } @names;
    my $failed;
    while (<$in>) {
        if (/^(\S+@\w+)\s+(?:FAILED|\d+ +\d+ +\d+ +(\d+\/\d+))/ && delete $left{$1}) {
            $failed = !defined $2 || ($ends{$1} //= $2) ne $2;
            printf "%sok %d - %s%s\n", $failed ? 'not ' : '', ++$number, $1, $how;
        } elsif ($failed && /^    /) {
            print "# $_";
        }
    }
    printf "not ok %d - %s%s was not explored\n", ++$number, $_, $how for sort keys %left;
}

# With these arguments it ends with that status, and says why.
sub refuse {
    my ($status, $why, @arguments) = @_;
    open my $in, '-|', 'sh', '-c', 'exec build/host/explore "$@" 2>&1', 'sh', @arguments or die "sh: $!\n";
    my $said = join '', <$in>;
    close $in;
    my $good = $? == $status << 8 && index($said, $why) >= 0;
    printf "%sok %d - refuses %.60s\n", $good ? '' : 'not ', ++$number, "@arguments";
    print map { "# $_\n" } "status $?", split /\n/, $said unless $good;
}

refuse(@$_) for @refused;
explore('', [], @scenarios);
explore('', ['-k', 1], @long);
explore(', nothing left out', ['-a'], @whole);
%ends = ();
explore(', spinning', ['-s'], @spinning);
