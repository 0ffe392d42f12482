using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;

namespace Cowloop.Files.Tests;

/// <summary>
/// Tools that are interrupted in the middle of much work, in memory. How much they have done is read from the kernel's
/// count of what they have read or written; when they were too fast for that, they get more.
/// </summary>
public class InterruptionTests : ToolTest
{
    private const string Counters = "/proc/self/io";
    private const int FirstMiB = 64;
    private const int LastMiB = 1024;

    private readonly TempDirectory _memory = TempDirectory.InMemory();
    private int _sizeMiB;

    private CowImage Image => new()
    {
        BlockCount = _sizeMiB * 1024L,
        Fingerprint = 0xce7e7ab8,
    };

    [NeedsTheory(Counters)]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public void A_merge_is_finished_with_resume(string signal)
    {
        CommandResult result = Interrupt(signal, "wchar", MakeBaseAndCowfile, "cowmerge", "-y", "R", "G2");
        MustBeQuiet(result);
        var cowfile = FileSnapshot.Of(_memory["G2"]);
        CommandResult resumed = RunInMemory("cowmerge", "--resume", "-y", "R", "G2").MustSucceed();
        Assert.EndsWith($"Number of blocks modified in R: {Image.BlockCount}\n", resumed.Output, StringComparison.Ordinal);
        MustBeMerged();
        cowfile.MustBeUnchanged();
        Assert.Equal(["G2", "R"], NamesInMemory);
    }

    [NeedsTheory(Counters)]
    [InlineData("INT")]
    [InlineData("KILL")]
    public void A_repair_is_finished_by_repairing_again(string signal)
    {
        CommandResult result = Interrupt(signal, "rchar", MakeCrashedCowfile, () => IsDirty("G3"), "cowrepair", "G3");
        MustBeQuiet(result);
        Assert.True(IsDirty("G3"));
        RunInMemory("cowrepair", "G3").MustSucceed();
        using FileStream repaired = File.OpenRead(_memory["G3"]);
        byte[] head = new byte[Image.DataOffset];
        repaired.ReadExactly(head);
        byte[] expected = new byte[Image.DataOffset];
        (Image with { WrongUsedBlocks = (ulong)Image.BlockCount }).Header().CopyTo(expected, 0);
        expected.AsSpan(1024, Image.BitmapBytes).Fill(0xFF);
        Assert.Equal(expected, head);
        Assert.Equal(["G3"], NamesInMemory);
    }

    [NeedsTheory(Counters)]
    [InlineData("-p", "INT")]
    [InlineData("-p", "TERM")]
    [InlineData("-zp", "INT")]
    [InlineData("-u", "INT")]
    [InlineData("-zu", "INT")]
    public void Packing_and_unpacking_leave_no_destination(string option, string signal)
    {
        void Prepare()
        {
            File.Delete(_memory["result"]);
            MakeSource(option);
        }
        MustBeQuiet(Interrupt(signal, "rchar", Prepare, "cowpack", option, "source", "result"));
        Assert.Equal(["source"], NamesInMemory);
    }

    [NeedsTheory(Counters)]
    [InlineData("-p", "INT")]
    [InlineData("-u", "INT")]
    [InlineData("-u", "KILL")]
    public void A_destination_that_exists_stays_what_it_was(string option, string signal)
    {
        FileSnapshot? existing = null;
        void Prepare()
        {
            File.WriteAllBytes(_memory["result"], Fixtures.R);
            existing = FileSnapshot.Of(_memory["result"]);
            MakeSource(option);
        }
        MustBeQuiet(Interrupt(signal, "rchar", Prepare, "cowpack", option, "source", "result"));
        existing!.MustBeUnchanged();
        if (signal != "KILL")
        {
            Assert.Equal(["result", "source"], NamesInMemory);
        }
    }

    [Fact]
    public void A_merge_that_waits_for_its_answer_has_changed_nothing_when_it_is_interrupted()
    {
        var image = KeepBase();
        var cowfile = Keep("G2", Golden.ImageG2);
        using Process merge = Shell.Start(new ShellOptions { Directory = Temp.Path }, Repository.Program("cowmerge"), "R", "G2");
        char[] one = new char[1];
        Assert.Equal(1, Poll.UntilDone("the question is asked", merge.StandardOutput.ReadAsync(one, 0, 1)));
        Send("INT", merge);
        Poll.UntilDone("the merge has ended", merge.WaitForExitAsync());
        Assert.NotEqual(0, merge.ExitCode);
        image.MustBeUnchanged();
        cowfile.MustBeUnchanged();
    }

    protected override void Dispose(bool disposing)
    {
        _memory.Dispose();
        base.Dispose(disposing);
    }

    private IEnumerable<string> NamesInMemory =>
        Directory.EnumerateFileSystemEntries(_memory.Path).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    private CommandResult RunInMemory(string tool, params string[] arguments) =>
        Shell.Try(new ShellOptions { Directory = _memory.Path }, Repository.Program(tool), arguments);

    private CommandResult Interrupt(string signal, string counter, Action prepare, string tool, params string[] arguments) =>
        Interrupt(signal, counter, prepare, static () => true, tool, arguments);

    /// <summary>
    /// Sends a signal when a quarter of the data has gone through. A tool that was ready before it came, whatever it says in the end, gets more to do, with
    /// files made afresh.
    /// </summary>
    private CommandResult Interrupt(string signal, string counter, Action prepare, Func<bool> isCutShort, string tool, params string[] arguments)
    {
        for (_sizeMiB = FirstMiB; ; _sizeMiB *= 4)
        {
            prepare();
            using Process process = Shell.Start(new ShellOptions { Directory = _memory.Path }, Repository.Program(tool), arguments);
            // It is there before it is needed: the tool does not wait while it starts.
            using Process killer = Shell.Start(new ShellOptions(), "sh", "-c", $"read -r word; kill -{signal} {process.Id.ToString(CultureInfo.InvariantCulture)}");
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            process.StandardInput.Close();
            while (!process.HasExited && CountOf(process, counter) < _sizeMiB * (1024L * 1024 / 4))
            {
                Thread.Yield();
            }
            killer.StandardInput.WriteLine();
            killer.StandardInput.Close();
            Poll.UntilDone("the tool has ended", Task.WhenAll(process.WaitForExitAsync(), killer.WaitForExitAsync()));
            var result = new CommandResult($"{tool} {string.Join(' ', arguments)}", process.ExitCode, output.Result, error.Result);
            if (result.ExitCode != 0 && isCutShort())
            {
                return result;
            }
            Assert.True(_sizeMiB < LastMiB, $"was not interrupted\n{result}");
        }
    }

    private bool IsDirty(string name)
    {
        using FileStream file = File.OpenRead(_memory[name]);
        file.Position = 6;
        return file.ReadByte() == CowImage.Dirty;
    }

    private static void Send(string signal, Process process) =>
        Shell.Try("sh", "-c", $"kill -{signal} {process.Id.ToString(CultureInfo.InvariantCulture)}");

    private static long CountOf(Process process, string counter)
    {
        try
        {
            string line = File.ReadLines($"/proc/{process.Id.ToString(CultureInfo.InvariantCulture)}/io")
                .First(line => line.StartsWith(counter, StringComparison.Ordinal));
            return long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            // It has ended.
            return long.MaxValue;
        }
    }

    private static void MustBeQuiet(CommandResult result)
    {
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.True(result.ErrorLines.Length <= 3, result.ToString());
    }

    private void MakeBaseAndCowfile()
    {
        File.Delete(_memory["R"]);
        _memory.MakeFile("R", _sizeMiB * 1024L * 1024);
        using (FileStream image = File.OpenWrite(_memory["R"]))
        {
            image.Write(Fixtures.F1);
        }
        WriteLarge("G2", Image with { WrongUsedBlocks = (ulong)Image.BlockCount }, isMarked: true);
    }

    private void MustBeMerged()
    {
        using FileStream image = File.OpenRead(_memory["R"]);
        using FileStream cowfile = File.OpenRead(_memory["G2"]);
        cowfile.Position = Image.DataOffset;
        Assert.Equal(cowfile.Length - cowfile.Position, image.Length);
        byte[] expected = new byte[1 << 20];
        byte[] actual = new byte[1 << 20];
        for (int index = 0; index < _sizeMiB; index++)
        {
            cowfile.ReadExactly(expected);
            image.ReadExactly(actual);
            Assert.True(expected.AsSpan().SequenceEqual(actual), $"MiB {index} differs");
        }
    }

    private void MakeCrashedCowfile() => WriteLarge("G3", Image with { Flags = CowImage.Dirty }, isMarked: false);

    private void MakeSource(string option)
    {
        CowImage image = Image with { Flags = option.Contains('u') ? CowImage.PackedFlag : (ushort)0, WrongUsedBlocks = (ulong)Image.BlockCount };
        if (option == "-zu")
        {
            using FileStream stream = File.Create(_memory["source"]);
            using var gzip = new GZipStream(stream, CompressionLevel.NoCompression);
            gzip.Write(image.Header());
            WriteBlocks(gzip, image, isMarked: true);
        }
        else
        {
            // A plain packed file of all blocks looks as the cowfile does, but for its flag.
            WriteLarge("source", image, isMarked: true);
        }
    }

    private void WriteLarge(string name, CowImage image, bool isMarked)
    {
        using FileStream stream = File.Create(_memory[name]);
        byte[] head = new byte[1024];
        image.Header().CopyTo(head, 0);
        stream.Write(head);
        WriteBlocks(stream, image, isMarked);
    }

    private void WriteBlocks(Stream stream, CowImage image, bool isMarked)
    {
        stream.Write(Fixtures.Filled(image.BitmapBytes, isMarked ? (byte)0xFF : (byte)0));
        if (stream.CanSeek)
        {
            stream.Position = image.DataOffset;
        }
        byte[] data = Noise(7, 1 << 20);
        for (int index = 0; index < _sizeMiB; index++)
        {
            data[0] = (byte)index;
            stream.Write(data);
        }
    }
}
