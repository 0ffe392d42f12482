using Cowloop.Core.Compact;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Maintenance;

public sealed class ConverterTests : IDisposable
{
    private const int BlockCount = 300;

    private readonly MemoryFile _base = new(Random(1));

    public void Dispose() => _base.Dispose();

    [Theory]
    [InlineData(4 << 10)]
    [InlineData(64 << 10)]
    [InlineData(1 << 20)]
    public void There_and_back_it_is_the_same(int chunkBytes)
    {
        var classic = new MemoryFile();
        Fill(classic);
        IBlockFile compact = Compact(chunkBytes);
        var back = new MemoryFile();

        Convert(classic, compact);
        Convert(compact, back);

        Assert.Null(back.DifferenceFrom(classic));
        Assert.Empty(Checker.Run(new CheckedFile(compact, "compact"), new CheckedFile(_base, "base"), NobodyWatches.Instance));
    }

    [Fact]
    public void A_dirty_one_is_refused()
    {
        var classic = new MemoryFile();
        Fill(classic);
        Assert.Equal(Errno.None, classic.WriteAt(6, [5]));

        Assert.Equal(Fault.Dirty, Assert.Throws<CowloopException>(() => Converter.Prepare(new CheckedFile(classic, "my.cow"))).Fault);
    }

    private static void Convert(IBlockFile source, IBlockFile target)
    {
        var converter = Converter.Prepare(new CheckedFile(source, "source"));
        converter.Run(new CheckedFile(target, "target"), NobodyWatches.Instance);
        Assert.Equal(Errno.None, target.Sync());
    }

    private static byte[] Random(int seed)
    {
        byte[] bytes = new byte[BlockCount * CowLayout.BlockSize];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static CompactFile Compact(int chunkBytes)
    {
        var file = new MemoryFile();
        CompactFile.Format(file, "compact", Guid.NewGuid(), chunkBytes, new CowLayout(BlockCount));
        return CompactFile.Open(file, "compact", new CompactOptions { AllocateZeroedWords = HeapWords.Allocate, BootId = Guid.NewGuid() });
    }

    private void Fill(MemoryFile cowfile)
    {
        var image = new BaseImage(_base, "base", null);
        var options = new CowfileOptions { AllocateZeroedWords = HeapWords.Allocate, NewId = Guid.NewGuid() };
        using var overlay = new Overlay(_base, Cowfile.Open(cowfile, "my.cow", image, options), 512);
        Assert.Equal(Errno.None, overlay.Write(3 * 1024, Random(2).AsSpan(0, 70_000), fua: false));
        Assert.Equal(Errno.None, overlay.Zero(8 * 1024, 100 * 1024, mayUnmap: true, fua: false));
        Assert.Equal(Errno.None, overlay.Write((BlockCount - 1) * 1024, Random(3).AsSpan(0, 1024), fua: false));
        Assert.Equal(Errno.None, overlay.Clean());
        Assert.Equal(Errno.None, overlay.Close());
    }
}
