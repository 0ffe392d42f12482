using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.Files.Tests;

/// <summary>The programs themselves on hostile files: in little memory, with one of their own exit codes, and never a stack trace.</summary>
public class HostileFileTests(ITestOutputHelper output) : ToolTest
{
    private const int CaseCount = 6;
    private const int PackedCaseCount = 12;
    private const int SoakCaseCount = 400;
    private const long MaxReadBytes = 1L << 30;

    // In hexadecimal: 64 MiB for a program whose buffers have 3.
    private static readonly Dictionary<string, string> LittleMemory = new() { ["DOTNET_GCHeapHardLimit"] = "4000000" };

    [Fact]
    public void Any_cowfile_is_worked_on_or_refused() =>
        new FuzzRun(output).Files(HostileOriginal.All(HostileForm.Cowfile), corpus: [], CaseCount, SoakCaseCount, CheckCowfile);

    [Fact]
    public void Any_packed_file_is_unpacked_or_refused() =>
        new FuzzRun(output).Files(HostileOriginal.All(HostileForm.Stream), corpus: [], PackedCaseCount, SoakCaseCount, CheckPacked);

    /// <summary>A small file that is a million ranges.</summary>
    [Fact]
    public void A_bitmap_with_every_other_bit_is_listed_in_little_memory()
    {
        const int BlockCount = 1 << 21;
        var image = new CowImage { BlockCount = BlockCount, WrongUsedBlocks = BlockCount / 2 };
        using (FileStream stream = File.Create(Temp["my.cow"]))
        {
            stream.Write(image.Header());
            stream.Position = CowImage.BlockSize;
            stream.Write(Fixtures.Filled(image.BitmapBytes, 0x55));
            stream.SetLength(image.DataOffset + BlockCount * 1024L);
        }

        string list = $"{Repository.Program("cowloop")} info --ranges --json my.cow | tee ranges.json | tail -n 6";
        CommandResult result = RunLittle("bash", "-o", "pipefail", "-c", list).MustSucceed();

        Assert.Equal("{ \"offsetBytes\": 2147481600, \"lengthBytes\": 1024 } ] }", string.Join(' ', result.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        using FileStream json = File.OpenRead(Temp["ranges.json"]);
        using var document = JsonDocument.Parse(json);
        Assert.Equal(BlockCount / 2, document.RootElement.GetProperty("ranges").GetArrayLength());
    }

    private string CheckCowfile(HostileFile file)
    {
        file.Write(Temp["my.cow"]);
        Write("disk.img", HostileOriginal.BaseStart(file.Original.BlockCount));
        Action mustBeUnchanged = KeepAll();
        Run(file, [0, 1], "cowlist", "my.cow");
        Run(file, [0, 2], "cowloop", "info", "--ranges", "my.cow");
        using (var json = JsonDocument.Parse(Run(file, [0, 1], "cowloop", "check", "--base", "disk.img", "--json", "my.cow").Output))
        {
            _ = json.RootElement.GetProperty("ok").GetBoolean();
        }
        Run(file, [0, 1], "cowrepair", "-f", "-n", "-v", "my.cow");
        Run(file, [0, 1], "cowmerge", "--dry-run", "disk.img", "my.cow");
        mustBeUnchanged();
        if (new FileInfo(Temp["my.cow"]).Length <= MaxReadBytes && Run(file, [0, 1], "cowpack", "-zp", "my.cow", "packed.gz").ExitCode == 0)
        {
            Run(file, [0], "cowpack", "-zu", "packed.gz", "again.cow");
            return "packed";
        }
        return Run(file, [0, 1], "cowrepair", "-f", "my.cow").ExitCode == 0 ? "repaired" : "refused";
    }

    private string CheckPacked(HostileFile file)
    {
        byte[] content = Gzip(file.Content);
#pragma warning disable CA5394 // Damage, no secret.
        byte[] damaged = new Mutator(new Random(file.Content.Length)).Mutate(content, focusBytes: 64);
#pragma warning restore CA5394
        Unpack(file, damaged);
        return Unpack(file, content) ? "unpacked" : "refused";
    }

    private bool Unpack(HostileFile file, byte[] packed)
    {
        Write("packed.gz", packed);
        File.Delete(Temp["my.cow"]);
        Action mustBeUnchanged = KeepAll();
        if (Run(file, [0, 1], "cowpack", "-zu", "packed.gz", "my.cow").ExitCode == 0)
        {
            Run(file, [0], "cowloop", "check", "my.cow");
            return true;
        }
        mustBeUnchanged();
        return false;
    }

    private CommandResult RunLittle(string program, params string[] arguments) =>
        Shell.Try(new ShellOptions { Directory = Temp.Path, Environment = LittleMemory }, program, arguments);

    private CommandResult Run(HostileFile file, int[] exitCodes, string tool, params string[] arguments)
    {
        CommandResult result = RunLittle(Repository.Program(tool), arguments);
        bool isForPeople = !result.Error.Contains("   at ", StringComparison.Ordinal)
            && !result.Error.Contains("Unhandled", StringComparison.Ordinal)
            && !result.Error.Contains("unexpected:", StringComparison.Ordinal);
        Assert.True(exitCodes.Contains(result.ExitCode) && isForPeople && (result.ExitCode == 0 || (result.Output + result.Error).Length > 0), $"{file}\n{result}");
        return result;
    }
}
