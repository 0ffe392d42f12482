using System.Reflection;
using Cowloop.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Fuse.Tests;

/// <summary>FuseAbi.cs says what linux/fuse.h says: the C compiler compares them.</summary>
public class FuseAbiTests(ITestOutputHelper output)
{
    private const string Includes = """
        #include <fcntl.h>
        #include <sys/stat.h>
        #include <linux/fuse.h>
        """;

    /// <summary>Fields that older headers name otherwise, with the name they have there. The kernel's layout is the same.</summary>
    private static readonly Dictionary<string, (string Field, string Since)> OlderNames = new()
    {
        ["fuse_in_header.total_extlen"] = ("padding", "7.38"),
        ["fuse_open_out.backing_id"] = ("padding", "7.40"),
    };

    /// <summary>Constants that older headers lack altogether.</summary>
    private static readonly HashSet<string> NewConstants = ["FOPEN_PARALLEL_DIRECT_WRITES"];

    [NeedsFact("gcc")]
    public void Constants_are_the_headers() => Check(
        StructClaims.OfConstants(typeof(FuseAbi)).Where(claim => claim.Symbol != nameof(FuseAbi.FUSE_KERNEL_MINOR_VERSION)));

    [NeedsFact("gcc")]
    public void The_header_describes_our_protocol_version_or_a_later_one() => Check(
    [
        new(
            nameof(FuseAbi.FUSE_KERNEL_MINOR_VERSION),
            nameof(FuseAbi.FUSE_KERNEL_MINOR_VERSION),
            $"{nameof(FuseAbi.FUSE_KERNEL_MINOR_VERSION)} >= {FuseAbi.FUSE_KERNEL_MINOR_VERSION}"),
    ]);

    [NeedsFact("gcc")]
    public void Opcodes_are_the_headers() => Check(
        Enum.GetValues<FuseOpcode>().Select(opcode => StructClaims.OfValue($"{opcode}", (int)opcode)));

    [NeedsFact("gcc")]
    public void Structures_are_the_headers() => Check(
        typeof(FuseAbi).GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic)
            .Where(type => type.IsValueType)
            .SelectMany(type => StructClaims.OfStruct(type, $"struct {type.Name}", field => CField(type, field)))
            .Select(AsPrefix));

    private void Check(IEnumerable<AbiClaim> claims)
    {
        AbiClaim[] list = [.. claims];
        AbiVerdict verdict = AbiProof.Check(Includes, list);
        output.WriteLine($"{list.Length} claims compared; the installed header lacks: {string.Join(", ", verdict.Missing)}");

        Assert.NotEmpty(list);
        Assert.Empty(verdict.Wrong);
        Assert.Empty(verdict.Missing.Except(OlderNames.Keys).Except(NewConstants));
        CheckOlderNames(list, verdict.Missing);
    }

    private static void CheckOlderNames(AbiClaim[] claims, IReadOnlyList<string> missing)
    {
        AbiClaim[] older = [.. claims.Where(claim => missing.Contains(claim.Symbol) && OlderNames.ContainsKey(claim.Symbol)).Select(Rename)];
        AbiVerdict verdict = AbiProof.Check(Includes, older);

        Assert.Empty(verdict.Wrong);
        Assert.Empty(verdict.Missing);
    }

    private static AbiClaim Rename(AbiClaim claim)
    {
        string field = claim.Symbol.Split('.')[1];
        string older = OlderNames[claim.Symbol].Field;
        return claim with
        {
            Expression = claim.Expression.Replace(field, older, StringComparison.Ordinal),
            Condition = claim.Condition.Replace(field, older, StringComparison.Ordinal),
        };
    }

    /// <summary>Of the kernel's introduction only the front is read, which every version has.</summary>
    private static AbiClaim AsPrefix(AbiClaim claim) => claim.Symbol == nameof(FuseAbi.fuse_init_in)
        ? claim with { Condition = claim.Condition.Replace("==", ">=", StringComparison.Ordinal) }
        : claim;

    /// <summary>C nests the numbers of statfs in a structure, with an array of spare ones.</summary>
    private static string CField(Type type, string field) => type.Name != nameof(FuseAbi.fuse_statfs_out) ? field : field switch
    {
        "spare0" => "st.spare[0]",
        "spare1" => "st.spare[2]",
        "spare2" => "st.spare[4]",
        _ => $"st.{field}",
    };
}
