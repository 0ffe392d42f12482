using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>A hostile cowfile is refused; or packed, and comes back sound with the same blocks.</summary>
public class PackerFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 2_000;
    private const int SoakCaseCount = 200_000;
    private const long MaxPrepareBytes = 256 * 1024;
    private const long MaxBytes = 3 << 20;

    // What is larger is whole and costs time, not memory: one of that kind is enough.
    private const long MaxBitmapBytes = 1 << 20;

    [Fact]
    public void Any_cowfile_is_refused_or_packed() => HostileMemory.ForEach(new FuzzRun(output), CaseCount, SoakCaseCount, Check);

    /// <summary>Its bitmap is 512 MiB of hole.</summary>
    [Fact]
    public void The_largest_cowfile_there_is_takes_no_more_memory_than_others()
    {
        HostileOriginal original = HostileOriginal.All(HostileForm.Cowfile)[0];
        byte[] content = [.. original.Content];
        original.PutSize(content, CowLayout.MaxClassicBlockCount);
        var memory = new HostileMemory(new HostileFile("largest", original, content, new CowLayout(CowLayout.MaxClassicBlockCount).EmptyLengthBytes));

        Assert.True(memory.Accepts(MaxBytes, () => Packer.Prepare(AtRest.Named(memory.Store)).Run(PackedTarget.Unpadded(Stream.Null), NobodyWatches.Instance)));
    }

    private static string Check(HostileFile file)
    {
        var memory = new HostileMemory(file);
        CheckedFile cowfile = AtRest.Named(memory.Store);
        Packer? packer = null;
        if (!memory.Accepts(MaxPrepareBytes, () => packer = Packer.Prepare(cowfile)))
        {
            return "refused";
        }
        var layout = new CowLayout((long)AtRest.HeaderOf(memory.Memory).BlockCount);
        if (layout.BitmapBytes > MaxBitmapBytes)
        {
            return "large";
        }
        var packed = new MemoryFile();
        packer!.Run(PackedTarget.Plain(new CheckedFile(packed, "packed")), NobodyWatches.Instance);
        using var stream = new MemoryStream();
        packer.Run(PackedTarget.Unpadded(stream), NobodyWatches.Instance);
        memory.MustBeUnchanged();

        MustBeTheSame(layout, memory.Memory, Unpack(PackedSource.Plain(new CheckedFile(packed, "packed"))));
        stream.Position = 0;
        MustBeTheSame(layout, memory.Memory, Unpack(PackedSource.Unpadded(stream, "packed")));
        return "packed";
    }

    private static MemoryFile Unpack(PackedSource source)
    {
        var cowfile = new MemoryFile();
        Unpacker.Prepare(source).Run(new CheckedFile(cowfile, Disk.Path), NobodyWatches.Instance);
        return cowfile;
    }

    private static void MustBeTheSame(CowLayout layout, IBlockFile expected, IBlockFile found)
    {
        Assert.Empty(Checker.Run(AtRest.Named(found), baseFile: null, NobodyWatches.Instance));
        int structBytes = AtRest.HeaderOf(expected).Variant.StructSize;
        MustBeTheSame(expected, found, 0, structBytes);
        MustBeTheSame(expected, found, CowLayout.BitmapOffsetBytes, (int)layout.BitmapBytes);
        foreach (BlockRun run in CowRuns.Read(AtRest.Named(expected), layout))
        {
            MustBeTheSame(expected, found, layout.DataOffsetBytes + run.FirstBlock * CowLayout.BlockSize, (int)run.BlockCount * CowLayout.BlockSize);
        }
    }

    private static void MustBeTheSame(IBlockFile expected, IBlockFile found, long offsetBytes, int lengthBytes)
    {
        byte[] wanted = new byte[lengthBytes];
        byte[] read = new byte[lengthBytes];
        Assert.Equal((Errno.None, Errno.None), (expected.ReadAt(offsetBytes, wanted), found.ReadAt(offsetBytes, read)));
        Assert.True(wanted.AsSpan().SequenceEqual(read), $"{lengthBytes} bytes at {offsetBytes}");
    }
}
