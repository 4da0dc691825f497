# Source packages of the distribution's, and programs built from them with the SDK, under build/debian: each is fetched
# once, by apt-get with a list of sources and a state folder of its own, so the host's set-up stays as it is; and built
# again from its unpacked source when the SDK or the commands for it have changed.
package DebianSource;
use strict;
use warnings;
use Cwd qw(getcwd);
use Digest::MD5 qw(md5_hex);
use File::Path qw(make_path remove_tree);
use Machine;

sub new {
    my ($class) = @_;
    my $root = getcwd;
    my ($dir, $apt) = ("$root/build/debian", "$root/build/debian/apt");
    make_path("$apt/lists/partial", "$apt/cache/archives/partial");
    return bless {dir => $dir, apt => $apt, sdk => "$root/build/sdk"}, $class;
}

# Runs a command of the shell in a folder, with its output in a file; true if it succeeds.
sub shell {
    my ($dir, $log, $command) = @_;
    return system('sh', '-ec', qq(cd "\$1"; exec >"\$2" 2>&1; $command), 'sh', $dir, $log) == 0;
}

# Why there are no packages; undef if there are. The list is of where the host's own packages come from, without the
# archives of updates, which hold few of them.
sub missing {
    my ($self) = @_;
    for my $tool (qw(apt-get dpkg-source tclsh)) {
        return "there is no $tool; `make deps` installs it on Debian" if !grep { -x "$_/$tool" } split /:/, $ENV{PATH};
    }
    return undef if glob "$self->{apt}/lists/*_Sources*";
    my $format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
    my %from = map { $_ => 1 } `apt-get indextargets --format '$format' 'Created-By: Packages'`;
    my @from = grep { !/ \S+-\w+ \S+$/ } sort keys %from;
    Machine::spew("$self->{apt}/sources.list", join '', map { "deb-src $_" } @from);
    return undef if $self->apt('update') && glob "$self->{apt}/lists/*_Sources*";
    return $self->complaint('apt-get has no lists of sources');
}

# What apt-get said last.
sub complaint {
    my ($self, $what) = @_;
    return join "; ", $what, grep { /^[EW]:/ } Machine::tail(Machine::slurp("$self->{dir}/apt.log"));
}

sub apt {
    my ($self, $command) = @_;
    my $options = join ' ', map { "-o '$_'" } "Dir::Etc::SourceList=$self->{apt}/sources.list",
        'Dir::Etc::SourceParts=/dev/null', "Dir::State::Lists=$self->{apt}/lists", "Dir::Cache=$self->{apt}/cache",
        'APT::Sandbox::User=root', 'Acquire::Retries=2', 'APT::Update::Error-Mode=any';
    return shell($self->{dir}, "$self->{dir}/apt.log", "apt-get -q $options $command");
}

# The description of a package's source that was fetched; undef if it was not.
sub fetched {
    my ($self, $package) = @_;
    return (glob "$self->{dir}/${package}_*.dsc")[0];
}

# Fetches the sources of packages, without unpacking them, in one go; with new lists if those that are there have become
# old. Returns why they are not there; undef if they are.
sub fetch {
    my ($self, @packages) = @_;
    my @wanted = grep { !$self->fetched($_) } @packages;
    my $command = "--only-source --download-only source @wanted";
    return undef if !@wanted || $self->apt($command) || ($self->apt('update') && $self->apt($command));
    return $self->complaint("apt-get does not fetch @wanted");
}

# What a program is made with: it is built anew when this has changed.
sub key {
    my ($self, $dsc, $build) = @_;
    my @sdk = map { Machine::slurp("$self->{sdk}/$_") } qw(bin/jargoon-cc lib/jargoon.specs lib/start.o lib/libc.a);
    return md5_hex($dsc, $build, @sdk);
}

# Unpacks what was fetched as its authors wrote it, without the distribution's patches, and builds it by commands of
# the shell, which find the SDK's compilers. Returns the folder; undef if that fails, and `log` says why.
sub build {
    my ($self, $package, $build) = @_;
    my $dsc = $self->fetched($package) or return undef;
    my ($dir, $log) = ("$self->{dir}/$package", $self->log($package));
    my $key = $self->key($dsc, $build);
    return $dir if Machine::slurp("$dir.built") eq $key;
    remove_tree($dir);
    unlink "$dir.built";
    shell($self->{dir}, $log, "dpkg-source --skip-patches -x '$dsc' '$dir'") or return undef;
    local $ENV{PATH} = "$self->{sdk}/bin:$ENV{PATH}";
    shell($dir, $log, $build) or return undef;
    Machine::spew("$dir.built", $key);
    return $dir;
}

sub log {
    my ($self, $package) = @_;
    return "$self->{dir}/$package.log";
}

1;
