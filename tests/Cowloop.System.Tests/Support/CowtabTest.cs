using Xunit.Abstractions;

namespace Cowloop.SystemTests.Support;

/// <summary>A test with a cowtab of its own.</summary>
public abstract class CowtabTest(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    /// <summary>Path of the table.</summary>
    protected string Table => Temp["cowtab"];

    /// <summary>Writes the table.</summary>
    protected void Write(params string[] lines) => File.WriteAllLines(Table, lines);

    protected CommandResult Up(params string[] names) => Run("up", names);

    protected CommandResult Down(params string[] names) => Run("down", names);

    /// <summary>Runs cowloop with the table.</summary>
    protected CommandResult Run(string verb, string[] names, string autostart = "")
    {
        var environment = new Dictionary<string, string>(Service.Environment) { ["COWLOOP_TAB"] = Table, ["COWLOOP_AUTOSTART"] = autostart };
        CommandResult result = Shell.Try(new ShellOptions { Environment = environment }, Repository.Program("cowloop"), [verb, .. names]);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        return result;
    }

    /// <summary>The lines of standard output.</summary>
    protected static string[] Lines(CommandResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Fails unless the command said nothing at all and succeeded.</summary>
    protected static void MustBeSilent(CommandResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        result.MustSucceed();
        Assert.Equal(("", ""), (result.Output, result.Error));
    }
}
