using System.Text.RegularExpressions;

namespace Cowloop.Tests.Support;

/// <summary>
/// The source of a man page, as far as tests look at it. The pages keep to a few forms: an option has an <c>Fl</c> of its own, and what can be
/// pasted stands in literal blocks.
/// </summary>
internal sealed partial class ManPage
{
    public static string Directory { get; } = Path.Combine(Repository.Root, "docs", "man");

    private ManPage(IReadOnlyList<string> lines) => Lines = lines;

    public IReadOnlyList<string> Lines { get; }

    /// <summary>The options named in it, with their dashes.</summary>
    public IReadOnlySet<string> Options => Lines.SelectMany(OptionsOf).ToHashSet();

    /// <summary>The words that stand for what the user gives.</summary>
    public IReadOnlySet<string> Operands => Lines.SelectMany(OperandsOf).ToHashSet();

    /// <summary>The literal blocks, each as a script.</summary>
    public IReadOnlyList<string> Examples => [.. Literals().Select(lines => string.Concat(lines.Select(line => $"{line.Replace("\\e", "\\", StringComparison.Ordinal)}\n")))];

    /// <summary>The forms of the synopsis, each with its options and operands in their order.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Forms
    {
        get
        {
            var forms = new List<IReadOnlyList<string>>();
            foreach (string line in Section("SYNOPSIS").Lines)
            {
                forms.AddRange(line == ".Nm" ? [[]] : Array.Empty<string[]>());
                if (forms.Count > 0)
                {
                    forms[^1] = [.. forms[^1], .. OptionsOf(line), .. OperandsOf(line)];
                }
            }
            return forms;
        }
    }

    /// <summary>Reads a page of the repository.</summary>
    /// <param name="name">Its file name, for instance <c>cowloop.8</c>.</param>
    public static ManPage Read(string name) => new(File.ReadAllLines(Path.Combine(Directory, name)));

    /// <summary>The page of a command.</summary>
    public static ManPage OfCommand(string command) => Read($"{command}.8");

    /// <summary>The part under a heading, its subsections included.</summary>
    public ManPage Section(string heading) => new(
    [
        .. Lines.SkipWhile(line => line != $".Sh {heading}").Skip(1).TakeWhile(line => !line.StartsWith(".Sh ", StringComparison.Ordinal)),
    ]);

    /// <summary>All subsections by their headings.</summary>
    public IReadOnlyDictionary<string, ManPage> Subsections()
    {
        var found = new Dictionary<string, List<string>>();
        List<string>? current = null;
        foreach (string line in Lines)
        {
            if (line.StartsWith(".S", StringComparison.Ordinal) && line[2] is 'h' or 's')
            {
                current = line[2] == 's' ? found[line[4..]] = [] : null;
            }
            else
            {
                current?.Add(line);
            }
        }
        return found.ToDictionary(section => section.Key, section => new ManPage(section.Value));
    }

    /// <summary>The rows of the table whose first heading is this, without the headings.</summary>
    public string[][] Table(string heading) =>
    [
        .. Lines.SkipWhile(line => !line.StartsWith($".It Sy {heading} Ta", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(line => line.StartsWith(".It ", StringComparison.Ordinal))
            .Select(line => line[4..].Split(" Ta ")),
    ];

    /// <summary>The options of a line of text, as users write them: letters behind one dash are one option each.</summary>
    public static IEnumerable<string> OptionsInText(string text) => WrittenOption().Matches(text).SelectMany(match =>
        match.Value.StartsWith("--", StringComparison.Ordinal) ? [match.Value] : match.Value[1..].Select(letter => $"-{letter}"));

    private static IEnumerable<string> OptionsOf(string line) =>
        line.StartsWith('.') ? MarkedOption().Matches(line).Select(match => $"-{match.Groups[1].Value}") : [];

    private static IEnumerable<string> OperandsOf(string line) => line.StartsWith('.')
        ? MarkedOperand().Matches(line).SelectMany(match => match.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        : [];

    private List<List<string>> Literals()
    {
        var blocks = new List<List<string>>();
        bool isInside = false;
        foreach (string line in Lines)
        {
            if (line.StartsWith(".Bd -literal", StringComparison.Ordinal))
            {
                isInside = true;
                blocks.Add([]);
            }
            else if (line == ".Ed")
            {
                isInside = false;
            }
            else if (isInside)
            {
                blocks[^1].Add(line);
            }
        }
        return blocks;
    }

    [GeneratedRegex(@"[. ]Fl (\S+)")]
    private static partial Regex MarkedOption();

    /// <summary>Operands are words without capitals inside, or all capitals; a macro ends them.</summary>
    [GeneratedRegex(@"[. ]Ar((?: (?:[a-z]+|[A-Z]+)(?= |$))+)")]
    private static partial Regex MarkedOperand();

    [GeneratedRegex(@"(?<![\w\]-])--?[a-zA-Z][\w-]*")]
    private static partial Regex WrittenOption();
}
