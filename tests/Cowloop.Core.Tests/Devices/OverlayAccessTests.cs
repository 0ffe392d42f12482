using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Less and less access to the cowfile of a device in use (specification 4.12).</summary>
public sealed class OverlayAccessTests : IDisposable
{
    private readonly MemoryFile _memory = new();
    private readonly TracingFile _file;
    private readonly Overlay _overlay;
    private int _replaceCount;

    /// <summary>Block 0 holds 01; block 1 is the base's.</summary>
    public OverlayAccessTests()
    {
        _file = new TracingFile(_memory);
        _overlay = Disk.Open(Fixtures.R, _file);
        _overlay.Fill(0, 1024, 1);
    }

    public void Dispose() => _overlay.Dispose();

    [Theory]
    [InlineData(CowfileAccess.ReadWrite, CowfileAccess.ReadWrite, Errno.EINVAL)]
    [InlineData(CowfileAccess.ReadWrite, CowfileAccess.ReadOnly, Errno.None)]
    [InlineData(CowfileAccess.ReadWrite, CowfileAccess.Closed, Errno.None)]
    [InlineData(CowfileAccess.ReadOnly, CowfileAccess.ReadWrite, Errno.EINVAL)]
    [InlineData(CowfileAccess.ReadOnly, CowfileAccess.ReadOnly, Errno.EINVAL)]
    [InlineData(CowfileAccess.ReadOnly, CowfileAccess.Closed, Errno.None)]
    [InlineData(CowfileAccess.Closed, CowfileAccess.ReadWrite, Errno.EINVAL)]
    [InlineData(CowfileAccess.Closed, CowfileAccess.ReadOnly, Errno.EINVAL)]
    [InlineData(CowfileAccess.Closed, CowfileAccess.Closed, Errno.None)]
    public void Only_less_is_possible(CowfileAccess before, CowfileAccess after, Errno expected)
    {
        if (before != CowfileAccess.ReadWrite)
        {
            Assert.Equal(Errno.None, Restrict(before));
        }
        _replaceCount = 0;

        Assert.Equal(expected, Restrict(after));

        Assert.Equal(expected == Errno.None ? after : before, _overlay.Access);
        Assert.Equal(expected == Errno.None && before != after ? 1 : 0, _replaceCount);
    }

    [Theory]
    [InlineData(CowfileAccess.ReadOnly)]
    [InlineData(CowfileAccess.Closed)]
    public void Every_change_is_refused_and_nothing_reaches_the_file(CowfileAccess access)
    {
        Restrict(access);
        _file.Forget();

        Assert.Equal(Errno.EIO, _overlay.Fill(0, 1024, 2));
        Assert.Equal(Errno.EIO, _overlay.Fill(1024, 1024, 2));
        Assert.Equal(Errno.EIO, _overlay.Fill(1000, 100, 2));
        Assert.Equal(Errno.EIO, _overlay.Write(0, new byte[512], fua: true));
        Assert.Equal(Errno.EIO, _overlay.Zero(0, 1024, mayUnmap: true, fua: false));
        Assert.Equal(Errno.EIO, _overlay.Zero(5000, 5000, mayUnmap: false, fua: true));
        Assert.Equal(Errno.None, _overlay.Flush());
        Assert.Equal(Errno.None, _overlay.Clean());

        Assert.Empty(_file.Calls);
        Assert.Equal((1, false, Errno.None), (_overlay.UsedBlocks, _overlay.IsDirty, _overlay.Failure));
    }

    [Fact]
    public void Read_only_reads_all()
    {
        byte[] expected = _overlay.GetAll();

        Restrict(CowfileAccess.ReadOnly);

        Assert.Equal(expected, _overlay.GetAll());
    }

    [Fact]
    public void Closed_reads_what_the_base_holds()
    {
        Restrict(CowfileAccess.Closed);
        _file.Forget();

        Assert.Equal(Fixtures.R[1024..], _overlay.Get(1024, Fixtures.R.Length - 1024));
        Assert.Equal(Errno.EIO, _overlay.Read(0, new byte[1]));
        Assert.Equal(Errno.EIO, _overlay.Read(1023, new byte[2]));
        Assert.Empty(_file.Calls);
    }

    [Theory]
    [InlineData(CowfileAccess.ReadOnly, false)]
    [InlineData(CowfileAccess.ReadOnly, true)]
    [InlineData(CowfileAccess.Closed, false)]
    [InlineData(CowfileAccess.Closed, true)]
    public void The_cowfile_is_what_a_deactivation_leaves(CowfileAccess access, bool isSyncedBefore)
    {
        _overlay.Zero(7000, 3000, mayUnmap: true, fua: false);
        if (isSyncedBefore)
        {
            _overlay.Clean();
        }
        byte[] expected = ClosedCopy();

        Assert.Equal(Errno.None, Restrict(access));

        Assert.Equal(expected, _memory.ToArray());
        CowfileCheck.AssertClean(_memory, new(1024));
    }

    [Fact]
    public void The_file_is_given_up_when_all_is_durable()
    {
        _file.Forget();

        _overlay.Restrict(CowfileAccess.ReadOnly, () => Assert.Equal(
            ["sync", "write 1024+1024", "sync", "setlength 5120", "write 0+1024", "sync"],
            _file.Calls));

        Assert.Equal(CowfileAccess.ReadOnly, _overlay.Access);
    }

    [Theory]
    [InlineData(CowfileAccess.ReadOnly)]
    [InlineData(CowfileAccess.Closed)]
    public void Deactivation_afterwards_changes_nothing(CowfileAccess access)
    {
        Restrict(access);
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Close());

        Assert.Empty(_file.Calls);
        Assert.Equal(1, _memory.DisposeCount);
        CowfileCheck.AssertClean(_memory, new(1024));
    }

    [Theory]
    [InlineData("write 1024+1024")]
    [InlineData("setlength 5120")]
    [InlineData("write 0+1024")]
    public void When_cleaning_fails_nothing_has_changed(string call)
    {
        _file.FailOnce(call, Errno.ENOSPC);

        Assert.Equal(Errno.ENOSPC, Restrict(CowfileAccess.ReadOnly));

        AssertGoesOn();
        Assert.Equal(Errno.None, Restrict(CowfileAccess.ReadOnly));
        CowfileCheck.AssertClean(_memory, new(1024));
    }

    [Theory]
    [InlineData(CowfileAccess.ReadOnly)]
    [InlineData(CowfileAccess.Closed)]
    public void A_device_whose_sync_has_failed_stays_what_it_is(CowfileAccess access)
    {
        _file.FailOnce("sync", Errno.ENOSPC);
        _overlay.Flush();

        Assert.Equal(Errno.EIO, Restrict(access));

        Assert.Equal((CowfileAccess.ReadWrite, 0), (_overlay.Access, _replaceCount));
        Assert.Equal(Errno.EROFS, _overlay.Fill(0, 1024, 2));
        Assert.Equal("01 01", _overlay.Sectors(0, 1024));
    }

    [Fact]
    public void When_the_file_can_not_be_given_up_nothing_has_changed()
    {
        Assert.Throws<CowloopException>(() => _overlay.Restrict(
            CowfileAccess.Closed,
            () => throw new CowloopException(Errno.EINVAL, "failed to reopen")));

        AssertGoesOn();
        Assert.Equal(Errno.None, _overlay.Close());
        CowfileCheck.AssertClean(_memory, new(1024));
    }

    [Fact]
    public void It_waits_for_the_change_under_way()
    {
        bool wasWaiting = false;
        Thread? other = null;
        _file.DuringNext("write 5120+1024", () =>
        {
            other = Together.StartWaiter(() => Restrict(CowfileAccess.ReadOnly));
            wasWaiting = other.IsAlive;
            Assert.Equal(0, _replaceCount);
        });

        Assert.Equal(Errno.None, _overlay.Fill(1024, 1024, 2));
        other!.Join();

        Assert.True(wasWaiting);
        Assert.Equal("01 01 02 02", _overlay.Sectors(0, 2048));
        Assert.Equal(CowfileAccess.ReadOnly, _overlay.Access);
        CowfileCheck.AssertClean(_memory, new(1024));
    }

    [Fact]
    public void A_frozen_device_can_be_restricted_and_thawing_it_gives_nothing_back()
    {
        _overlay.Freeze();

        Assert.Equal(Errno.None, Restrict(CowfileAccess.ReadOnly));

        _overlay.Thaw();
        Assert.Equal(Errno.EIO, _overlay.Fill(0, 1024, 2));
    }

    private Errno Restrict(CowfileAccess access) => _overlay.Restrict(access, () => _replaceCount++);

    private void AssertGoesOn()
    {
        Assert.Equal((CowfileAccess.ReadWrite, 0), (_overlay.Access, _replaceCount));
        Assert.Equal(Errno.None, _overlay.Fill(0, 1024, 2));
        Assert.Equal(Errno.None, _overlay.Fill(9216, 1024, 3));
        Assert.Equal(Errno.None, _overlay.Flush());
        Assert.Equal("02 02", _overlay.Sectors(0, 1024));
        Assert.Equal("03 03", _overlay.Sectors(9216, 1024));
    }

    /// <summary>The same changes in a device that is deactivated then.</summary>
    private static byte[] ClosedCopy()
    {
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(0, 1024, 1);
        overlay.Zero(7000, 3000, mayUnmap: true, fua: false);
        Assert.Equal(Errno.None, overlay.Close());
        return file.ToArray();
    }
}
