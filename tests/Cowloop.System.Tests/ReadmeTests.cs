using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What the README and the description of the API show is what happens.</summary>
public partial class ReadmeTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Readme = "README.md";

    [RootTheory("mkfs.ext4", "fs:ext4", "curl")]
    [InlineData(Readme)]
    [InlineData("docs/api.md")]
    public void Every_console_block_prints_what_it_shows(string document)
    {
        Service.Stop();
        try
        {
            new ConsoleSession(document).MustPrintWhatItShows(Service, Temp.Path);
        }
        finally
        {
            Shell.Try("umount", "-q", Temp["mnt"]);
        }
    }

    [Fact]
    public void Every_command_of_the_table_is_shown_at_work()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, Readme));
        string[] inTable = [.. CommandInTable().Matches(text).Select(match => match.Groups[1].Value).Distinct()];
        Assert.True(inTable.Length > 20, "the table of commands is not found");
        string shown = string.Join('\n', new ConsoleSession(Readme).Steps.Select(step => step.Command));
        Assert.All(inTable, command => Assert.Contains(command, shown, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^\| `(cowloop [\w-]+|cow\w+ -\w|cow\w+)[^`]*` \|", RegexOptions.Multiline)]
    private static partial Regex CommandInTable();
}
