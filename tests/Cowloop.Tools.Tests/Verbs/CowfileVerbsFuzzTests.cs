using System.Text.Json;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Verbs;
using Xunit.Abstractions;

namespace Cowloop.Tools.Tests.Verbs;

/// <summary>Every verb that takes a cowfile takes a hostile one: it answers, or says what is wrong, and changes nothing then.</summary>
public sealed class CowfileVerbsFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int CaseCount = 250;
    private const int SoakCaseCount = 20_000;

    // What is longer takes its time to be packed: its bitmap alone has hundreds of MiB.
    private const long MaxPackedBytes = 1L << 30;

    private readonly WorkDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Any_cowfile_is_answered_or_refused() =>
        new FuzzRun(output).Files(HostileOriginal.All(HostileForm.Cowfile), corpus: [], CaseCount, SoakCaseCount, Check);

    private string Check(HostileFile file)
    {
        string cowfile = file.Write(_directory["my.cow"]);
        string baseFile = _directory.Write("disk.img", HostileOriginal.BaseStart(file.Original.BlockCount));
        int info = Run(file, [0, 2], "info", cowfile);
        Run(file, [0, 1], "check", cowfile);
        Run(file, [0, 1], "check", cowfile, "--base", baseFile, "--json");
        Run(file, [0, 2], "repair", cowfile, "--dry-run", "--force", "--json");
        if (new FileInfo(cowfile).Length <= MaxPackedBytes)
        {
            Run(file, [0, 2], "pack", cowfile, _directory["packed"], "--force", "--zstd");
        }
        MustBe(file, cowfile);
        if (Run(file, [0, 2], "repair", cowfile, "--force") == 0)
        {
            Run(file, [0], "info", cowfile);
            return "repaired";
        }
        MustBe(file, cowfile);
        return info == 0 ? "shown" : "refused";
    }

    private static int Run(HostileFile file, int[] exitCodes, params string[] arguments)
    {
        CommandResult result = Captured.Run($"cowloop {string.Join(' ', arguments)}", () => CowloopFront.Run(arguments));
        Assert.True(exitCodes.Contains(result.ExitCode), $"{file}\n{result}");
        if (result.ExitCode == 2)
        {
            result.MustComplain(2);
        }
        else if (arguments.Contains("--json"))
        {
            using var json = JsonDocument.Parse(result.Output);
        }
        return result.ExitCode;
    }

    private static void MustBe(HostileFile file, string path)
    {
        using FileStream stream = File.OpenRead(path);
        byte[] content = new byte[file.Content.Length];
        stream.ReadExactly(content);
        Assert.True(content.AsSpan().SequenceEqual(file.Content));
    }
}
