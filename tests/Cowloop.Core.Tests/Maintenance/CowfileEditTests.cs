using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class CowfileEditTests
{
    [Fact]
    public void Dirty_and_clean_again_the_file_is_what_it_was()
    {
        MemoryFile file = TestStack.Random(3).Files[1];
        MemoryFile before = file.Copy();
        var edit = new CowfileEdit(AtRest.Named(file));

        edit.MarkDirty();

        Assert.True(edit.IsDirty);
        Assert.Equal(CowFlags.Dirty | CowFlags.BitmapDecides, AtRest.HeaderOf(file).Flags);
        Assert.Equal(edit.Layout.FullLengthBytes, file.LengthBytes);
        Assert.Equal((long)AtRest.HeaderOf(before).UsedBlocks, edit.MarkClean().UsedBlocks);
        Assert.Null(file.DifferenceFrom(before));
    }

    [Fact]
    public void A_plain_file_says_only_while_it_is_dirty_that_its_bitmap_decides()
    {
        MemoryFile file = Golden.ImageG2.ToSparse();
        var edit = new CowfileEdit(AtRest.Named(file));

        edit.MarkDirty();
        Assert.Equal(CowFlags.Dirty | CowFlags.BitmapDecides, AtRest.HeaderOf(file).Flags);
        edit.MarkClean();

        Assert.Null(edit.Record);
        Assert.Equal(Golden.G2(), file.ToArray());
    }

    [Fact]
    public void All_is_durable_before_the_file_is_clean()
    {
        var file = new TracingFile(Golden.ImageG2.ToSparse());
        var edit = new CowfileEdit(AtRest.Named(file));
        edit.MarkDirty();
        file.Forget();

        edit.MarkClean();

        Assert.Equal(
            ["setlength 108544", "sync", "write 0+1024", "sync"],
            file.Calls.Where(call => !call.StartsWith("read", StringComparison.Ordinal) && !call.StartsWith("nextdata", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_the_format_does_not_define_stays()
    {
        MemoryFile file = (Golden.ImageG2 with { Reserved = 0x5A, Variant = CowVariant.Big32 }).ToSparse();
        byte[] before = file.ToArray();
        var edit = new CowfileEdit(AtRest.Named(file));

        edit.Write(edit.Header, edit.Record);

        Assert.Equal(before, file.ToArray());
    }

    [Fact]
    public void A_packed_file_is_refused() =>
        Assert.Equal(Fault.Packed, Assert.Throws<CowloopException>(() => new CowfileEdit(AtRest.Named(new MemoryFile(Golden.ImageG2.Packed())))).Fault);
}
