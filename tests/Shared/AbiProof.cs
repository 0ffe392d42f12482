using System.Text;
using System.Text.RegularExpressions;

namespace Cowloop.Tests.Support;

/// <summary>What a declaration of ours says about the C one.</summary>
/// <param name="Symbol">Our name, for messages.</param>
/// <param name="Expression">C text that compiles inside sizeof() when the header has the symbol.</param>
/// <param name="Condition">C text that must be true.</param>
internal sealed record AbiClaim(string Symbol, string Expression, string Condition);

/// <summary>What the compiler says to the claims.</summary>
/// <param name="Missing">Symbols that the installed headers lack.</param>
/// <param name="Wrong">Symbols that the headers have, and differently.</param>
internal sealed record AbiVerdict(IReadOnlyList<string> Missing, IReadOnlyList<string> Wrong);

/// <summary>
/// Lets the C compiler compare our declarations with the real headers: first whether there is such a symbol at all, then
/// by static assertions. The compiler's own line numbers say which claim a message is about.
/// </summary>
internal static partial class AbiProof
{
    public static AbiVerdict Check(string includes, IReadOnlyList<AbiClaim> claims)
    {
        HashSet<int> missing = Complaints(includes, claims, claim => $"enum {{ probe_@ = sizeof({claim.Expression}) > 0 }};", _ => true);
        HashSet<int> wrong = Complaints(
            includes,
            claims,
            claim => $"_Static_assert({claim.Condition}, \"{claim.Symbol}\");",
            index => !missing.Contains(index));
        return new AbiVerdict([.. missing.Select(index => claims[index].Symbol)], [.. wrong.Select(index => claims[index].Symbol)]);
    }

    /// <summary>Compiles one line per claim.</summary>
    /// <returns>Indexes of the claims that the compiler objects to.</returns>
    private static HashSet<int> Complaints(string includes, IReadOnlyList<AbiClaim> claims, Func<AbiClaim, string> write, Func<int, bool> isWanted)
    {
        var text = new StringBuilder("#define _GNU_SOURCE\n#include <stddef.h>\n").Append(includes).Append('\n');
        for (int index = 0; index < claims.Count; index++)
        {
            if (isWanted(index))
            {
                string line = write(claims[index]).Replace("@", $"{index}", StringComparison.Ordinal);
                text.Append($"#line {index + 1} \"claims\"\n").Append(line).Append('\n');
            }
        }
        using var directory = new TempDirectory();
        string source = directory["abi.c"];
        File.WriteAllText(source, text.ToString());
        CommandResult result = Shell.Try("gcc", "-std=gnu11", "-fsyntax-only", "-fmax-errors=0", source);
        HashSet<int> complaints = [.. ErrorLine().Matches(result.Error).Select(match => int.Parse(match.Groups[1].ValueSpan) - 1)];
        Assert.True(result.ExitCode == 0 || complaints.Count > 0, $"gcc can't compile the headers: {result.Error}");
        return complaints;
    }

    [GeneratedRegex(@"^claims:(\d+):.*error: ", RegexOptions.Multiline)]
    private static partial Regex ErrorLine();
}
