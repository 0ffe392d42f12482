using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>A hostile packed file is refused, before it takes more space than it has content; or the cowfile that comes of it is sound.</summary>
public class UnpackerFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 3_000;
    private const int SoakCaseCount = 300_000;
    private const long MaxBytes = 3 << 20;
    private const long MaxBitmapBytes = 1 << 20;
    private const int MaxHoleBytes = 64 * 1024;

    [Fact]
    public void Any_plain_file_is_refused_or_unpacked() => new FuzzRun(output).Files(HostileForm.Packed, CaseCount, SoakCaseCount, CheckPlain);

    [Fact]
    public void Any_stream_is_refused_or_unpacked() => new FuzzRun(output).Files(HostileForm.Stream, CaseCount, SoakCaseCount, CheckStream);

    /// <summary>Once 512 MiB were reserved before the bitmap was missed.</summary>
    [Fact]
    public void A_header_alone_takes_no_space()
    {
        HostileOriginal original = HostileOriginal.All(HostileForm.Stream).Single(original => original.Name == "G2 Little64");
        byte[] header = original.Content[..original.BitmapOffset];
        original.PutSize(header, CowLayout.MaxClassicBlockCount);

        Assert.Equal("refused", CheckStream(new HostileFile("header", original, header, header.Length)));
    }

    private static string CheckPlain(HostileFile file)
    {
        var memory = new HostileMemory(file);
        bool isLarge = CowHeader.Decode(Start(file)) is { HasConsistentLayout: true } header && (long)header.MapSize > MaxBitmapBytes;
        var source = PackedSource.Plain(AtRest.Named(memory.Store));
        string result = isLarge
            // All of its bitmap is there, a hole: it costs time, not memory.
            ? memory.Accepts(MaxBytes, () => Unpacker.Prepare(source)) ? "large" : "refused"
            : Unpack(memory, source, file.Content.Length);
        memory.MustBeUnchanged();
        return result;
    }

    private static string CheckStream(HostileFile file)
    {
        byte[] content = [.. file.Content, .. new byte[Math.Min(MaxHoleBytes, file.LengthBytes - file.Content.Length)]];
        return Unpack(new HostileMemory(file), PackedSource.Unpadded(new MemoryStream(content), "packed"), content.Length);
    }

    private static string Unpack(HostileMemory memory, PackedSource source, long sourceBytes)
    {
        var cowfile = new MemoryFile();
        bool isAccepted = memory.Accepts(
            MaxBytes + 2 * (sourceBytes + MemoryFile.PageSize),
            () => Unpacker.Prepare(source).Run(new CheckedFile(cowfile, Disk.Path), NobodyWatches.Instance));
        if (!isAccepted)
        {
            return "refused";
        }
        Assert.Empty(Checker.Run(AtRest.Named(cowfile), baseFile: null, NobodyWatches.Instance));
        return "unpacked";
    }

    private static byte[] Start(HostileFile file)
    {
        byte[] start = new byte[CowLayout.BlockSize];
        file.Content.AsSpan(0, Math.Min(start.Length, file.Content.Length)).CopyTo(start);
        return start;
    }
}
