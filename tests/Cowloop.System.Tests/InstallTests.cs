using Cowloop.Control;

namespace Cowloop.SystemTests;

/// <summary>What make install puts where, and that make uninstall takes it away.</summary>
public class InstallTests
{
    private const UnixFileMode Program = Data
        | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const UnixFileMode Data = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    [RootFact("make")]
    public void Programs_units_rule_and_table_have_their_places()
    {
        using var tree = new InstalledTree();
        foreach (string program in new[] { "sbin/cowloop", "sbin/cowloopd", "sbin/cowdev", "lib/systemd/system-generators/cowloop-generator" })
        {
            Assert.Equal(Program, File.GetUnixFileMode(tree[$"usr/local/{program}"]));
        }
        foreach (string file in new[] { "lib/systemd/system/cowloop.service", "lib/systemd/system/cowloopd.service", "lib/udev/rules.d/60-cowloop.rules" })
        {
            Assert.Equal(Data, File.GetUnixFileMode(tree[$"usr/local/{file}"]));
        }
        Assert.Equal(Data, File.GetUnixFileMode(tree["etc/cowloop/cowtab"]));
    }

    [RootTheory("make")]
    [InlineData("/usr/local")]
    [InlineData("/usr")]
    public void Units_name_the_installed_programs(string prefix)
    {
        using var tree = new InstalledTree($"PREFIX={prefix}");
        foreach (string unit in new[] { "cowloop.service", "cowloopd.service" })
        {
            string text = File.ReadAllText(tree[$"{prefix.TrimStart('/')}/lib/systemd/system/{unit}"]);
            Assert.Contains($"{prefix}/sbin/{Path.GetFileNameWithoutExtension(unit)} ", text, StringComparison.Ordinal);
            Assert.DoesNotContain("SBINDIR", text, StringComparison.Ordinal);
        }
    }

    [RootFact("make")]
    public void A_table_that_is_there_is_kept_and_left_behind()
    {
        using var tree = new InstalledTree();
        tree.Write("etc/cowloop/cowtab", "# mine");
        tree.Make("install");
        Assert.Equal("# mine\n", File.ReadAllText(tree["etc/cowloop/cowtab"]));
        tree.Make("uninstall");
        Assert.Equal(["etc/cowloop/cowtab"], tree.Files);
    }

    [RootFact("make")]
    public void The_table_that_is_installed_has_examples_and_no_device()
    {
        using var tree = new InstalledTree();
        string text = File.ReadAllText(tree["etc/cowloop/cowtab"]);
        Assert.Equivalent(new Cowtab([], []), Cowtab.Parse(text));
        Cowtab examples = Cowtab.Parse(text.Replace("\n# /", "\n/", StringComparison.Ordinal));
        Assert.Equal(3, examples.Entries.Count);
        Assert.Empty(examples.Errors);
    }
}
