namespace Cowloop.Files.Tests;

/// <summary>make install and make uninstall, into a directory of the test's own and with the programs under test.</summary>
public class InstallTests : ToolTest
{
    private const string Share = "usr/share";

    [NeedsFact("make")]
    public void Every_page_lies_where_man_looks()
    {
        Make("install");
        foreach (string page in Directory.EnumerateFiles(ManPage.Directory))
        {
            string installed = Temp[$"{Share}/man/man{page[^1]}/{Path.GetFileName(page)}"];
            Assert.Equal(File.ReadAllText(page), File.ReadAllText(installed));
            MustBeReadableByAll(installed);
        }
    }

    [NeedsTheory("make")]
    [InlineData("bash", "bash-completion/completions/cowloop")]
    [InlineData("zsh", "zsh/site-functions/_cowloop")]
    [InlineData("fish", "fish/vendor_completions.d/cowloop.fish")]
    public void The_program_writes_the_completion_to_where_the_shell_looks(string shell, string path)
    {
        Make("install");
        string installed = Temp[$"{Share}/{path}"];
        Assert.Equal(Run("cowloop", "completion", shell).MustSucceed().Output, File.ReadAllText(installed));
        MustBeReadableByAll(installed);
    }

    [NeedsFact("make")]
    public void The_programs_run_where_they_are_installed()
    {
        Make("install");
        foreach (string program in Directory.EnumerateFiles(Repository.Binaries, "cow*").Select(path => Path.GetFileName(path)).Where(name => !name.Contains('.', StringComparison.Ordinal)))
        {
            Assert.StartsWith($"{program} ", Shell.Run(Temp[$"usr/sbin/{program}"], "--version").Output, StringComparison.Ordinal);
        }
    }

    /// <summary>What an administrator may have changed stays.</summary>
    [NeedsFact("make")]
    public void Uninstall_leaves_nothing_but_configuration()
    {
        Make("install");
        Make("uninstall");
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Temp.Path, "*", SearchOption.AllDirectories),
            path => !path.StartsWith(Temp["etc/"], StringComparison.Ordinal));
    }

    /// <summary>Whatever the mask of the one who installs.</summary>
    private void Make(string target) => Shell.Run(
        "sh",
        "-ec",
        "umask 077; exec make -s -C \"$0\" -o build \"$1\" BIN=\"$2\" DESTDIR=\"$3\" PREFIX=/usr",
        Repository.Root,
        target,
        Path.GetFullPath(Repository.Binaries),
        Temp.Path);

    private static void MustBeReadableByAll(string path) => Assert.True(File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherRead), $"{path} is readable by all");
}
