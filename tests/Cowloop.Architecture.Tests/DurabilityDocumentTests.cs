using System.Text.RegularExpressions;
using Cowloop.Architecture.Tests.Support;

namespace Cowloop.Architecture.Tests;

/// <summary>docs/durability.md names, for each of its ten sentences, the code that makes it true and the tests that show it: they must exist.</summary>
public partial class DurabilityDocumentTests
{
    private const int SentenceCount = 10;

    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "docs/durability.md"));

    [Fact]
    public void Every_sentence_names_code_and_tests()
    {
        string[] sentences = [.. SentenceStart().Split(Text)[1..]];
        Assert.Equal(SentenceCount, sentences.Length);
        Assert.All(sentences, sentence =>
        {
            Assert.NotEmpty(NamesAfter("Where", sentence));
            Assert.NotEmpty(NamesAfter("Tests", sentence));
        });
    }

    [Fact]
    public void The_code_exists()
    {
        string[] missing = [.. NamesAfter("Where", Text).Where(name => !IsInSources(name))];
        Assert.Empty(missing);
    }

    [Fact]
    public void The_tests_exist()
    {
        string[] missing = [.. NamesAfter("Tests", Text).Where(name => !FilesOf("tests/", name).Any())];
        Assert.Empty(missing);
    }

    private static string[] NamesAfter(string heading, string text) =>
    [
        .. Item().Matches(text)
            .Where(item => item.Groups["heading"].Value == heading)
            .SelectMany(item => Name().Matches(item.Groups["text"].Value))
            .Select(name => name.Groups[1].Value),
    ];

    /// <summary>A type has files of its name; a member is written in one of them.</summary>
    private static bool IsInSources(string name)
    {
        string[] parts = name.Split('.');
        string[] files = [.. FilesOf("src/", parts[0])];
        return files.Length > 0
            && (parts.Length == 1 || files.Any(file => Regex.IsMatch(File.ReadAllText(Path.Combine(Repository.Root, file)), $@"\b{parts[1]}\b")));
    }

    private static IEnumerable<string> FilesOf(string place, string type) => SourceTree.Files.Where(file =>
        file.StartsWith(place, StringComparison.Ordinal) && Path.GetFileName(file).Split('.') is [string first, .., "cs"] && first == type);

    [GeneratedRegex(@"^\d+\. \*\*", RegexOptions.Multiline)]
    private static partial Regex SentenceStart();

    [GeneratedRegex(@"^ +\* \*(?<heading>\w+)\*:(?<text>.*(\n +[^ *].*)*)", RegexOptions.Multiline)]
    private static partial Regex Item();

    [GeneratedRegex(@"`([A-Z]\w+(\.\w+)?)`")]
    private static partial Regex Name();
}
