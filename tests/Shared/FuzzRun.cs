using System.Globalization;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Cowloop.Tests.Support;

/// <summary>
/// Tries many cases: some thousands of fixed ones, or with COWLOOP_SOAK=1 very many new ones. A failure says with which
/// COWLOOP_FUZZ=SEED:NUMBER it comes again, alone.
/// </summary>
/// <param name="output">Gets the seed before and the number of cases after.</param>
internal sealed class FuzzRun(ITestOutputHelper output)
{
    private const string CaseVariable = "COWLOOP_FUZZ";
    private const int FixedSeed = 1;

    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>True when there is time.</summary>
    public static bool IsSoak { get; } = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1";

    /// <summary>Tries hostile files: the corpus, and then such as the seed makes.</summary>
    /// <param name="form">What they are to be taken for.</param>
    /// <param name="caseCount">How many the seed makes; in a soak <paramref name="soakCaseCount"/>.</param>
    /// <param name="soakCaseCount">How many in a soak.</param>
    /// <param name="check">Says what came of it, to be counted: at least two things must.</param>
    public void Files(HostileForm form, int caseCount, int soakCaseCount, Func<HostileFile, string> check) =>
        Files(HostileOriginal.All(form), HostileFile.Corpus(form), caseCount, soakCaseCount, check);

    /// <summary>The same with originals of the caller's own.</summary>
    public void Files(
        IReadOnlyList<HostileOriginal> originals,
        IEnumerable<HostileFile> corpus,
        int caseCount,
        int soakCaseCount,
        Func<HostileFile, string> check)
    {
        if (Chosen is null)
        {
            foreach (HostileFile file in corpus)
            {
                Check($"corpus: {file.What}", file, check);
            }
        }
        Cases(caseCount, soakCaseCount, (seed, number) => HostileFile.Make(originals, seed, number), check);
    }

    /// <summary>Tries cases that a seed and a number make.</summary>
    public void Cases<T>(int caseCount, int soakCaseCount, Func<int, int, T> make, Func<T, string> check)
    {
        if (Chosen is (int chosenSeed, int chosenNumber))
        {
            Check($"{CaseVariable}={chosenSeed}:{chosenNumber}", make(chosenSeed, chosenNumber), check);
            return;
        }
        int seed = IsSoak ? Environment.TickCount & int.MaxValue : FixedSeed;
        output.WriteLine($"seed {seed}");
        for (int number = 0; number < (IsSoak ? soakCaseCount : caseCount); number++)
        {
            Check($"{CaseVariable}={seed}:{number}", make(seed, number), check);
        }
        output.WriteLine($"{_counts.Values.Sum()} cases: {string.Join(", ", _counts.Select(count => $"{count.Value} {count.Key}"))}");
        // Else they would show less than they seem to.
        Assert.InRange(_counts.Count, 2, int.MaxValue);
    }

    private static (int Seed, int Number)? Chosen { get; } = Parse(Environment.GetEnvironmentVariable(CaseVariable));

    private static (int Seed, int Number)? Parse(string? text) => text?.Split(':') is [string seed, string number]
        ? (int.Parse(seed, CultureInfo.InvariantCulture), int.Parse(number, CultureInfo.InvariantCulture))
        : null;

    private void Check<T>(string which, T fuzzCase, Func<T, string> check)
    {
        try
        {
            string outcome = check(fuzzCase);
            _counts[outcome] = _counts.GetValueOrDefault(outcome) + 1;
        }
        catch (Exception exception)
        {
            throw new XunitException($"{which}\n{fuzzCase}\n{exception}");
        }
    }
}
