using Cowloop.Core;
using Cowloop.Fuse.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse.Tests;

/// <summary>How a block device comes and goes.</summary>
public class LoopAttachmentTests
{
    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl)]
    public void A_detached_device_leaves_nothing()
    {
        using var disk = new AttachedDisk();

        Assert.Equal(Errno.None, disk.Attachment.TryDetach());

        Assert.True(disk.Attachment.Released.IsCompletedSuccessfully);
        Assert.False(disk.IsBound);
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl)]
    public void A_device_in_use_is_busy_and_goes_on()
    {
        using var disk = new AttachedDisk();
        using (SafeFileHandle user = File.OpenHandle(disk.Node, share: FileShare.ReadWrite))
        {
            Assert.Equal(Errno.EBUSY, disk.Attachment.TryDetach());

            Assert.False(disk.Attachment.Released.IsCompleted);
            Assert.Equal(512, RandomAccess.Read(user, new byte[512], 0));
        }
        Assert.True(disk.IsBound);
        Assert.Equal(Errno.None, disk.Attachment.TryDetach());
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl)]
    public void A_name_is_free_again_after_the_detach()
    {
        using var disk = new AttachedDisk();
        Assert.Throws<InvalidOperationException>(() => disk.Transport.Attach("memory-disk", "label", new MemoryDisk(AttachedDisk.MiB)));
        disk.Attachment.TryDetach();
        var second = new MemoryDisk(AttachedDisk.MiB);
        second.Content.AsSpan().Fill(0x55);

        LoopAttachment attachment = disk.Transport.Attach("memory-disk", "label", second);
        try
        {
            Assert.Equal(0x55, FirstByte($"/dev/{attachment.Loop.KernelName}"));
        }
        finally
        {
            Poll.Until("the second device is free", () => attachment.TryDetach() == Errno.None);
        }
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl)]
    public void Devices_of_one_transport_are_apart()
    {
        using var disk = new AttachedDisk();
        var second = new MemoryDisk(AttachedDisk.MiB);
        second.Content[0] = 2;
        disk.Memory.Content[0] = 1;

        LoopAttachment attachment = disk.Transport.Attach("second-disk", "label", second);
        try
        {
            Assert.Equal(1, FirstByte(disk.Node));
            Assert.Equal(2, FirstByte($"/dev/{attachment.Loop.KernelName}"));
        }
        finally
        {
            Poll.Until("the second device is free", () => attachment.TryDetach() == Errno.None);
        }
        Assert.False(disk.Attachment.Released.IsCompleted);
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl)]
    public void A_refused_disk_leaves_its_name_free()
    {
        using var disk = new AttachedDisk();
        CowloopException refused = Assert.Throws<CowloopException>(
            () => disk.Transport.Attach("second-disk", "label", new MemoryDisk(AttachedDisk.MiB, sectorSize: 300)));
        Assert.Equal(Errno.EINVAL, refused.Errno);

        LoopAttachment attachment = disk.Transport.Attach("second-disk", "label", new MemoryDisk(AttachedDisk.MiB));

        Poll.Until("the second device is free", () => attachment.TryDetach() == Errno.None);
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "losetup")]
    public void A_detach_behind_our_back_is_noticed()
    {
        using var disk = new AttachedDisk();

        Shell.Run("losetup", "--detach", disk.Node);

        Poll.UntilDone("the device is released", disk.Attachment.Released);
        Assert.Equal(Errno.None, disk.Attachment.TryDetach());
    }

    private static byte FirstByte(string node)
    {
        using SafeFileHandle file = File.OpenHandle(node, share: FileShare.ReadWrite);
        byte[] sector = new byte[512];
        Assert.Equal(sector.Length, RandomAccess.Read(file, sector, 0));
        return sector[0];
    }
}
