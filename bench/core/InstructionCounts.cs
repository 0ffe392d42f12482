using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Disassemblers;
using BenchmarkDotNet.Reports;

namespace Cowloop.Benchmarks;

/// <summary>
/// How many instructions the compiler makes of each path: of the method and of all of ours that it calls, each of them once. Not how many of them are executed,
/// which needs counters that a virtual machine seldom has; but the same on every machine of a kind, whatever else that does.
/// </summary>
/// <param name="Compiler">What has compiled them, and for which processors.</param>
/// <param name="Paths">For each path, each method's instructions.</param>
internal sealed record InstructionCounts(string Compiler, SortedDictionary<string, SortedDictionary<string, int>> Paths)
{
    private const double MaxGrowth = 1.1;

    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static InstructionCounts Of(Summary summary, DisassemblyDiagnoser disassembler)
    {
        var paths = new SortedDictionary<string, SortedDictionary<string, int>>(StringComparer.Ordinal);
        foreach ((BenchmarkDotNet.Running.BenchmarkCase benchmark, DisassemblyResult result) in disassembler.Results)
        {
            var methods = new SortedDictionary<string, int>(StringComparer.Ordinal);
            foreach (DisassembledMethod method in result.Methods.Where(method => method.Name.StartsWith("Cowloop.Core.", StringComparison.Ordinal)))
            {
                methods[method.Name] = method.Maps.Sum(map => map.SourceCodes.OfType<Asm>().Count());
            }
            paths[benchmark.Descriptor.WorkloadMethod.Name] = methods;
        }
        return new InstructionCounts(summary.Reports[0].GetRuntimeInfo()!, paths);
    }

    /// <returns>False when there is no such file.</returns>
    public static bool TryRead(string path, [NotNullWhen(true)] out InstructionCounts? counts)
    {
        counts = File.Exists(path) ? JsonSerializer.Deserialize<InstructionCounts>(File.ReadAllText(path), Format) : null;
        return counts is not null;
    }

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Format) + "\n");

    /// <summary>Says what has become of each path.</summary>
    /// <returns>True when one has grown by more than a tenth.</returns>
    public bool Compare(InstructionCounts before, TextWriter output)
    {
        if (before.Compiler != Compiler)
        {
            output.WriteLine($"not compared: {before.Compiler} before, {Compiler} now");
            return false;
        }
        bool hasGrown = false;
        foreach ((string path, SortedDictionary<string, int> methods) in Paths)
        {
            int count = methods.Values.Sum();
            if (!before.Paths.TryGetValue(path, out SortedDictionary<string, int>? former))
            {
                output.WriteLine($"{path}: {count} instructions, new");
                continue;
            }
            int formerCount = former.Values.Sum();
            bool isMore = count > formerCount * MaxGrowth;
            output.WriteLine($"{path}: {formerCount} instructions before, {count} now{(isMore ? ": more than a tenth more" : "")}");
            hasGrown |= isMore;
        }
        return hasGrown;
    }
}
