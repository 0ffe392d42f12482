using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Cowloop.Benchmarks;

// Run in the directory of this project: the counts that are committed lie there.
const string CountsFile = "instructions.json";
const string ArtifactsDirectory = "../../artifacts/bench/core";

var disassembler = new DisassemblyDiagnoser(new DisassemblyDiagnoserConfig(maxDepth: 8, printSource: false));
// Compiled once and for all: else the counts would depend on what was called how often before.
Job job = Job.ShortRun.WithEnvironmentVariables(new EnvironmentVariable("DOTNET_TieredCompilation", "0"));
IConfig config = DefaultConfig.Instance
    .WithArtifactsPath(ArtifactsDirectory)
    .AddJob(job)
    .AddDiagnoser(disassembler, MemoryDiagnoser.Default);
Summary summary = BenchmarkRunner.Run<HotPaths>(config);
if (summary.HasCriticalValidationErrors || disassembler.Results.Count < summary.BenchmarksCases.Length)
{
    Console.Error.WriteLine("not every path could be run and disassembled; see above");
    return 1;
}

var now = InstructionCounts.Of(summary, disassembler);
if (InstructionCounts.TryRead(CountsFile, out InstructionCounts? before) && now.Compare(before, Console.Out))
{
    Console.Error.WriteLine($"If it must be so, remove {CountsFile} and run this again.");
    return 1;
}
now.Write(CountsFile);
return 0;
