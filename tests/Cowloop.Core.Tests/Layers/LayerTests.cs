using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Layers;

public class LayerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_clean_cowfile_is_opened_and_nothing_of_it_changes(bool hasRecord)
    {
        MemoryFile file = MakeCowfile(hasRecord ? Disk.WithRecord : Disk.Plain);
        byte[] before = file.ToArray();
        using (Layer layer = Open(file))
        {
            Assert.Equal(Disk.Path, layer.Name);
            Assert.Equal(1024, layer.Layout.BlockCount);
            Assert.Equal(hasRecord ? Disk.Id : null, layer.Record?.Id);
            ParentLink link = layer.ToLink("../x.cow");
            Assert.Equal((hasRecord ? Disk.Id : Guid.Empty, layer.Record?.Generation ?? 0, "../x.cow"), (link.Id, link.Generation, link.Path));
            Assert.Equal([5, 6, 7], layer.ReadBitmap().SelectMany(piece => BlocksOf(piece.FirstBlock, piece.Words.Span)));
        }
        Assert.Equal(before, file.ToArray());
    }

    [Fact]
    public void A_sealed_one_is_what_it_is_for()
    {
        using var stack = new Stack([.. Fixtures.R]);
        stack.Device.Fill(5120, 3072, 1);
        stack.Snapshot(stack.Device.GetAll());
        Assert.True(Open(stack.Layers[0]).Record!.IsSealed);
    }

    [Fact]
    public void A_dirty_one_is_refused()
    {
        var file = new MemoryFile();
        Overlay overlay = Disk.Open([.. Fixtures.R], file);
        overlay.Fill(0, 1024, 1);
        MustRefuse(new MemoryFile(file.ToArray()), Fault.Dirty, "cowfile test.cow is dirty");
    }

    [Fact]
    public void A_packed_one_is_refused() =>
        MustRefuse(new MemoryFile(new CowImage { Flags = CowImage.PackedFlag }.With(5, 3, 1).ToBytes()), Fault.Packed, "cowfile test.cow is packed");

    [Fact]
    public void One_for_another_size_is_refused()
    {
        CowloopException refused = Assert.Throws<CowloopException>(
            () => Layer.Open(MakeCowfile(Disk.WithRecord), Disk.Path, Disk.ImageOf(new FlatFile(new byte[8192])), new BaseOptions()));
        Assert.Contains("(size 1048576) not related to rdofile (size 8192)", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_for_another_base_is_refused_unless_the_user_takes_it(bool hasRecord)
    {
        MemoryFile file = MakeCowfile(hasRecord ? Disk.WithRecord : Disk.Plain);
        byte[] other = [.. Fixtures.R];
        other[0] ^= 0x55;
        BaseImage image = Disk.ImageOf(new FlatFile(other));
        Assert.Throws<CowloopException>(() => Layer.Open(file, Disk.Path, image, new BaseOptions()));
        byte[] before = file.ToArray();
        if (hasRecord)
        {
            _ = Layer.Open(file, Disk.Path, image, new BaseOptions { AcceptBase = true });
            Assert.Equal(before, file.ToArray());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1023)]
    [InlineData(4096)]
    public void What_is_no_cowfile_is_refused(int length) =>
        Assert.Throws<CowloopException>(() => Open(new MemoryFile(Fixtures.Filled(length, 0x11))));

    [Fact]
    public void One_whose_count_is_wrong_is_refused() =>
        MustRefuse(new MemoryFile((new CowImage { WrongUsedBlocks = 7 }).With(5, 3, 1).ToBytes()), Fault.Damaged, "test.cow");

    [Fact]
    public void Every_failed_call_is_told_and_leaves_the_file_to_the_caller()
    {
        MemoryFile file = MakeCowfile(Disk.WithRecord);
        byte[] content = file.ToArray();
        for (int call = 1; ; call++)
        {
            var memory = new MemoryFile(content);
            var faulty = new FaultyFile(memory, new PlannedFault(call, 1, Errno.EIO, FaultMoment.BeforeTheCall));
            Exception? refused = Record.Exception(() => Layer.Open(faulty, Disk.Path, Disk.ImageOf(new FlatFile([.. Fixtures.R])), new BaseOptions()));
            if (!faulty.HasFired)
            {
                Assert.True(call > 2);
                Assert.Null(refused);
                return;
            }
            Assert.Equal(Errno.EIO, Assert.IsType<CowloopException>(refused).Errno);
            Assert.Equal(0, memory.DisposeCount);
        }
    }

    private static List<long> BlocksOf(long firstBlock, ReadOnlySpan<ulong> words)
    {
        var blocks = new List<long>();
        for (int bit = 0; bit < words.Length * 64; bit++)
        {
            if ((words[bit / 64] >> (bit % 64) & 1) != 0)
            {
                blocks.Add(firstBlock + bit);
            }
        }
        return blocks;
    }

    private static void MustRefuse(MemoryFile file, Fault fault, string reason)
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => Open(file));
        Assert.Equal(fault, refused.Fault);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private static Layer Open(MemoryFile file) => Layer.Open(file, Disk.Path, Disk.ImageOf(new FlatFile([.. Fixtures.R])), new BaseOptions());

    /// <summary>R with blocks 5 to 7 changed.</summary>
    private static MemoryFile MakeCowfile(CowfileOptions options)
    {
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(new FlatFile([.. Fixtures.R]), file, options);
        overlay.Fill(5120, 3072, 1);
        Assert.Equal(Errno.None, overlay.Close());
        return file;
    }
}
