# The checker of the pages, tests/book.pl, finds each kind of mistake in pages that are made here; those that there are
# it is run on by make check. And that of the pictures: one whose source has changed, or that was changed by hand, is
# named.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use File::Path qw(make_path remove_tree);
use FindBin;
use Test::More;

chdir "$FindBin::Bin/..";
my $dir = 'build/tests/book';
make_path($dir);


sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$in> }
sub spew { open my $to, '>', $_[0] or die "$_[0]: $!\n"; print $to $_[1]; close $to }

# Pages, each with what the checker is to say of it; it looks at all of them in one run.
my @cases;
sub finds { my ($text, $like, $what) = @_; push @cases, [$text, $like, $what] }
sub accepts { my ($text, $what) = @_; push @cases, [$text, qr/\A\z/, $what] }

sub look_at_cases {
    my @pages = map { "$dir/$_/README.md" } 0 .. $#cases;
    for (0 .. $#cases) {
        make_path("$dir/$_");
        spew($pages[$_], "$cases[$_][0]\n");
    }
    my $said = `perl tests/book.pl @pages`;
    ok($? >> 8 == 1, 'it fails when it finds something');
    for (0 .. $#cases) {
        my (undef, $like, $what) = @{$cases[$_]};
        my $of_it = join '', $said =~ /^\Q$pages[$_]\E:(.*\n)/mg;
        ok($of_it =~ $like, $what) or diag("said: $of_it");
    }
}

system('make', '-s', 'build/interface/made') == 0 or die "the headers could not be made\n";
is(`perl book/pictures.pl check`, '', 'the pictures are what their sources give');

accepts('`vm/aspace.c`, `aspace_fault()`, `struct vmo`, `ZX_ERR_NO_MEMORY`, `tests/*.t`', 'names that are there');
finds('`vm/space.c`', qr/^1: there is no vm\/space\.c$/, 'a file');
finds("a\n\n`vm/spaces/`", qr/^3: there is no vm\/spaces\/$/, 'a folder, with its line');
finds('`aspace_fall()`', qr/there is no function aspace_fall\(\)/, 'a function');
finds('`aspace_fault()` in `vm/vmo.c`', qr/vm\/vmo\.c has no aspace_fault\(\)/, 'a function that is in another file');
accepts('`aspace_fault()` in `vm/aspace.c`', 'a function in its file');
finds('`build_table` in `arch/x86_64/boot.asm`', qr/has no build_table/, 'a label');
finds('`struct vmoo`', qr/there is no struct vmoo/, 'a structure');
finds('`ZX_ERR_NO_MEMORIES`', qr/nothing is called ZX_ERR_NO_MEMORIES/, 'a constant');
finds('`zx_process_wipe_memory`', qr/nothing is called zx_process_wipe_memory/, 'a call');

accepts('`make test TESTS=tests/10-kernel.t`', 'a command');
finds('`make tests`', qr/there is no `make tests`/, 'a command that is not there');
finds("Do\n\n    make runs\n", qr/^3: there is no `make runs`/, 'the same, in a block');
finds('`make run FLAVOUR=mild`', qr/no rule looks at FLAVOUR=/, 'a variable of make');
finds('`kernel.sched.farce=1`', qr/there is no option kernel\.sched\.farce/, 'an option of the kernel');

accepts('`CHANNEL_QUEUE_MAX` (3,500), `WINDOW` (64 KiB), `call/cheapest` (38 instructions)', 'figures');
finds('`CHANNEL_QUEUE_MAX` (3,600)', qr/`CHANNEL_QUEUE_MAX` is 3500, not 3,600/, 'the value of a constant');
finds('`TRANSFER_MAX` (64 KiB)', qr/`TRANSFER_MAX` is 67108864, not 64 KiB/, 'its unit');
finds('`call/cheapest` (50 instructions)', qr/`call\/cheapest` is \d+, not 50/, 'a measured figure');
finds('It takes 228 instructions.', qr/228 stands without a name/, 'a figure without a name');
finds('It is 4 KiB long.', qr/4 stands without a name/, 'a small one with a unit');

accepts('[book](../../../../book/README.md#what-is-checked)', 'a link');
finds('[book](../../../../book/REDME.md)', qr/REDME\.md leads nowhere/, 'a link that leads nowhere');
finds('[book](../../../../book/README.md#what-is-right)', qr/no heading #what-is-right/, 'a heading');
finds('![rooms](../../../../book/pictures/room.svg)', qr/room\.svg leads nowhere/, 'a picture');

look_at_cases();

# The whole tree, in a copy that may be damaged.
my $copy = "$dir/copy";
remove_tree($copy);
make_path($copy);
system("tar --exclude=./build --exclude=./.git -cf - . | tar -xf - -C $copy") == 0 or die "the tree cannot be copied\n";

sub pictures_say { return scalar `perl $copy/book/pictures.pl check` }

# What is said once a file of the copy is another, which then is as it was.
sub changes {
    my ($file, $from, $to, $like, $what, $ask) = @_;
    my $text = slurp("$copy/$file");
    spew("$copy/$file", $text =~ s/$from/$to/r);
    like(($ask // \&pictures_say)->(), $like, $what);
    spew("$copy/$file", $text);
}

# What no page by itself is wrong about, all in one run.
unlink "$copy/user/gdbserver/README.md";
spew("$copy/book/pictures/spare.svg", "<svg/>\n");
my @exercise = ('5\. A fault', 'A fault', qr{^vm/README\.md: 4 exercises, not five\n}m, 'an exercise that is missing');
changes('vm/README.md', @exercise, sub {
    my $said = `perl $copy/tests/book.pl`;
    like($said, qr{^user/gdbserver: \d+ files and no README\.md$}m, 'a folder of many files without a page');
    like($said, qr{^book/pictures/spare\.svg: no page shows it$}m, 'a picture that no page shows');
    return $said;
});
unlink "$copy/book/pictures/spare.svg";

is(pictures_say(), '', 'a copy of the pictures is right too');
changes('book/pictures/memory.dot', 'root VMAR', 'VMAR', qr/^book\/pictures\/memory\.svg: .*make pictures$/,
    'its source');
changes('book/pictures/memory.svg', 'mapping', 'map', qr/memory\.svg/, 'one that was changed by hand');
changes('book/pictures/tour.txt', 'a short tour', 'a tour', qr/tour\.svg/, 'the text of a cast');
changes('vm/window.h', '64 << 10', '32 << 10', qr/window\.svg/, 'a constant in a picture');
changes('arch/types.h', '0x1000000\)', '0x2000000)', qr/addresses\.svg/, 'a constant of the address map');
changes('tests/lib/Rooms.pm', "'vm', 'kernel/object'", "'kernel/object', 'vm'", qr/rooms\.svg/,
    'the order of the rooms');

remove_tree($copy);
done_testing;
