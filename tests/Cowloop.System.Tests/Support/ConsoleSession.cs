using System.Text.RegularExpressions;

namespace Cowloop.SystemTests.Support;

/// <summary>The console blocks of a document: lines that begin with <c>$ </c> are commands, the others what they print.</summary>
/// <param name="document">Path in the repository.</param>
internal sealed partial class ConsoleSession(string document)
{
    public IReadOnlyList<(string Command, string Output)> Steps { get; } = Read(Path.Combine(Repository.Root, document));

    /// <summary>
    /// Runs it line by line, each in a shell of its own; all must print what stands there but for the numbers. /dev/cow, /run/cowloop,
    /// /mnt and /srv of the document are the service's devices and state, an empty directory, and the directory that it runs in.
    /// </summary>
    public void MustPrintWhatItShows(CowService service, string directory)
    {
        Assert.NotEmpty(Steps);
        string mountPoint = Directory.CreateDirectory(Path.Combine(directory, "mnt")).FullName;
        var options = new ShellOptions
        {
            Directory = directory,
            Environment = new Dictionary<string, string>(service.Environment)
            {
                ["PATH"] = $"{Repository.Binaries}:{Requirements.ProgramPath}",
                ["LC_ALL"] = "C.UTF-8",
            },
        };
        foreach ((string command, string shown) in Steps)
        {
            string run = command
                .Replace("/dev/cow", service.DeviceDirectory, StringComparison.Ordinal)
                .Replace("/run/cowloop", service.RunDirectory, StringComparison.Ordinal)
                .Replace("/mnt", mountPoint, StringComparison.Ordinal);
            string printed = Shell.Try(options, "bash", "-c", $"{run} 2>&1").Output
                .Replace(service.DeviceDirectory, "/dev/cow", StringComparison.Ordinal)
                .Replace(mountPoint, "/mnt", StringComparison.Ordinal)
                .Replace(directory, "/srv", StringComparison.Ordinal);
            Assert.Equal($"$ {command}\n{Comparable(shown)}", $"$ {command}\n{Comparable(printed)}");
        }
    }

    /// <summary>Numbers differ from run to run, and with them the blanks before them; so do sizes and how full the cells of a map are.</summary>
    private static string Comparable(string text) =>
        Blanks().Replace(Cells().Replace(Numbers().Replace(text, "N"), "|map|"), " ").Replace(" \n", "\n", StringComparison.Ordinal).Trim();

    private static List<(string Command, string Output)> Read(string path)
    {
        var session = new List<(string Command, string Output)>();
        bool isInBlock = false;
        foreach (string line in File.ReadLines(path))
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

    [GeneratedRegex(@"(?<=fingerprint )[0-9a-f]{8}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+([.,:-]\d+)*( (B|KiB|MiB|GiB))?")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"\|[ ░▒▓█]+\|")]
    private static partial Regex Cells();

    [GeneratedRegex(@"[ \t]+")]
    private static partial Regex Blanks();
}
