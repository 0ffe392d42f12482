using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What the README shows is what happens: its console blocks are run line by line, and must print what stands there but for the numbers.</summary>
public partial class ReadmeTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("mkfs.ext4", "fs:ext4")]
    public void Every_console_block_prints_what_it_shows()
    {
        Service.Stop();
        string mountPoint = Directory.CreateDirectory(Temp["mnt"]).FullName;
        IReadOnlyList<(string Command, string Output)> session = ReadSession();
        Assert.NotEmpty(session);
        try
        {
            foreach ((string command, string shown) in session)
            {
                CommandResult result = Shell.Try(
                    new ShellOptions
                    {
                        Directory = Temp.Path,
                        Environment = new Dictionary<string, string>(Service.Environment)
                        {
                            ["PATH"] = $"{Repository.Binaries}:{Requirements.ProgramPath}",
                            ["LC_ALL"] = "C.UTF-8",
                        },
                    },
                    "bash",
                    "-c",
                    command.Replace("/dev/cow", Service.DeviceDirectory, StringComparison.Ordinal).Replace("/mnt", mountPoint, StringComparison.Ordinal) + " 2>&1");
                string printed = result.Output
                    .Replace(Service.DeviceDirectory, "/dev/cow", StringComparison.Ordinal)
                    .Replace(mountPoint, "/mnt", StringComparison.Ordinal)
                    .Replace(Temp.Path, "/srv", StringComparison.Ordinal);
                Assert.Equal($"$ {command}\n{Comparable(shown)}", $"$ {command}\n{Comparable(printed)}");
            }
        }
        finally
        {
            Shell.Try("umount", "-q", mountPoint);
        }
    }

    [Fact]
    public void Every_command_of_the_table_is_shown_at_work()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        string[] inTable = [.. CommandInTable().Matches(text).Select(match => match.Groups[1].Value).Distinct()];
        Assert.True(inTable.Length > 20, "the table of commands is not found");
        string shown = string.Join('\n', ReadSession().Select(step => step.Command));
        Assert.All(inTable, command => Assert.Contains(command, shown, StringComparison.Ordinal));
    }

    /// <summary>Numbers differ from run to run, and with them the blanks before them; so do sizes and how full the cells of a map are.</summary>
    private static string Comparable(string text) =>
        Blanks().Replace(Cells().Replace(Numbers().Replace(text, "N"), "|map|"), " ").Replace(" \n", "\n", StringComparison.Ordinal).Trim();

    private static List<(string Command, string Output)> ReadSession()
    {
        var session = new List<(string Command, string Output)>();
        bool isInBlock = false;
        foreach (string line in File.ReadLines(Path.Combine(Repository.Root, "README.md")))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                isInBlock = line == "```console";
            }
            else if (isInBlock && line.StartsWith("$ ", StringComparison.Ordinal))
            {
                session.Add((line[2..], ""));
            }
            else if (isInBlock)
            {
                session[^1] = (session[^1].Command, session[^1].Output + line + "\n");
            }
        }
        return session;
    }

    [GeneratedRegex(@"^\| `(cowloop \w+|cow\w+ -\w|cow\w+)[^`]*` \|", RegexOptions.Multiline)]
    private static partial Regex CommandInTable();

    [GeneratedRegex(@"(?<=fingerprint )[0-9a-f]{8}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+([.,:-]\d+)*( (B|KiB|MiB|GiB))?")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"\|[ ░▒▓█]+\|")]
    private static partial Regex Cells();

    [GeneratedRegex(@"[ \t]+")]
    private static partial Regex Blanks();
}
