using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What the README shows is what happens.</summary>
public partial class ReadmeTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private readonly ConsoleSession _session = new("README.md");

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void Every_console_block_prints_what_it_shows()
    {
        Service.Stop();
        try
        {
            _session.MustPrintWhatItShows(Service, Temp.Path);
        }
        finally
        {
            Shell.Try("umount", "-q", Temp["mnt"]);
        }
    }

    [Fact]
    public void Every_command_of_the_table_is_shown_at_work()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        string[] inTable = [.. CommandInTable().Matches(text).Select(match => match.Groups[1].Value).Distinct()];
        Assert.True(inTable.Length > 20, "the table of commands is not found");
        string shown = string.Join('\n', _session.Steps.Select(step => step.Command));
        Assert.All(inTable, command => Assert.Contains(command, shown, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^\| `(cowloop \w+|cow\w+ -\w|cow\w+)[^`]*` \|", RegexOptions.Multiline)]
    private static partial Regex CommandInTable();
}
