using System.Text.RegularExpressions;
using Cowloop.Architecture.Tests.Support;

namespace Cowloop.Architecture.Tests;

/// <summary>What a reader may rely on in every file.</summary>
public partial class TidyTests
{
    private const int MaxLines = 500;
    private const int MaxColumns = 160;

    [Fact]
    public void Source_files_are_short() => AssertNone(Sources().Where(file => SourceTree.Lines(file).Length > MaxLines));

    [Fact]
    public void Source_lines_are_short() => AssertNone(
        Sources().SelectMany(file => Find(file, line => line.Length > MaxColumns)));

    [Fact]
    public void Nothing_is_left_to_do() => AssertNone(
        SourceTree.Files.Where(IsText).SelectMany(file => Find(file, line => LeftToDo().IsMatch(line))));

    /// <summary>Paths of one developer's machine mean nothing anywhere else.</summary>
    [Fact]
    public void No_file_names_a_machine() => AssertNone(
        SourceTree.Files.Where(IsText).SelectMany(file => Find(file, line => MachinePath().IsMatch(line))));

    /// <summary>Else the tests above would look at nothing.</summary>
    [Fact]
    public void The_rules_see_what_they_look_for()
    {
        Assert.Contains("src/Cowloop.Core/Errno.cs", Sources());
        Assert.Matches(LeftToDo(), "// TO" + "DO: later");
        Assert.Matches(MachinePath(), "see /wo" + "rk/main");
        Assert.Matches(MachinePath(), "\"/ro" + "ot/.cache\"");
        Assert.DoesNotMatch(MachinePath(), "$directory/work/file and /rooted");
    }

    /// <summary>Shows every finding in full, one per line.</summary>
    private static void AssertNone(IEnumerable<string> findings)
    {
        string all = string.Join('\n', findings);
        Assert.True(all.Length == 0, all);
    }

    private static string[] Sources()
    {
        string[] sources = SourceTree.SourcesBelow("src");
        Assert.NotEmpty(sources);
        return sources;
    }

    /// <summary>Golden files and pictures are no text.</summary>
    private static bool IsText(string file) => !File.ReadAllBytes(Path.Combine(Repository.Root, file)).AsSpan().Contains((byte)0);

    private static IEnumerable<string> Find(string file, Func<string, bool> isFound) => SourceTree.Lines(file)
        .Select((line, index) => (line, index))
        .Where(found => isFound(found.line))
        .Select(found => $"{file}:{found.index + 1}: {found.line.Trim()}");

    [GeneratedRegex(@"\b(TO[D]O|FIX[M]E)\b")]
    private static partial Regex LeftToDo();

    [GeneratedRegex(@"(?<![\w.})\]])/(wor[k]|roo[t])(?![\w-])")]
    private static partial Regex MachinePath();
}
