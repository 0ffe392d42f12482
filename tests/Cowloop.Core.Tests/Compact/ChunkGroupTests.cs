using Cowloop.Core.Compact;

namespace Cowloop.Core.Tests.Compact;

public class ChunkGroupTests
{
    [Fact]
    public void Dirty_sectors_are_taken_once()
    {
        var group = new ChunkGroup(3, 992);
        Assert.Equal((3, 992, false), (group.Number, group.Descriptors.Length, group.IsDirty));

        group.MarkDirty(0);
        group.MarkDirty(31);
        group.MarkDirty(0);

        Assert.True(group.IsDirty);
        Assert.Equal(0x8000_0001, group.TakeDirty());
        Assert.False(group.IsDirty);
        Assert.Equal(0u, group.TakeDirty());
    }
}
