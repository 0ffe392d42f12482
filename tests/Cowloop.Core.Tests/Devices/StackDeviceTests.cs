using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>The overlay of a disk is exchanged for another one; one step at a time.</summary>
public sealed class StackDeviceTests : IDisposable
{
    private const int BlockCount = 100;

    private readonly byte[] _content = Fixtures.RandomBytes(new Random(3), BlockCount * 1024);
    private readonly Stack _stack;

    public StackDeviceTests() => _stack = new Stack(_content);

    public void Dispose() => _stack.Dispose();

    [Fact]
    public void A_sealed_cowfile_keeps_what_was_there_and_the_new_one_takes_what_follows()
    {
        _stack.Device.Fill(512, 4096, 1);
        byte[] before = _stack.Device.GetAll();
        _stack.Snapshot(before);
        Assert.Equal(before, _stack.Device.GetAll());
        Assert.Equal(0, _stack.Device.Top.UsedBlocks);
        byte[] sealedFile = _stack.Layers[0].ToArray();

        _stack.Device.Fill(2048, 8192, 2);
        Assert.Equal(Errno.None, _stack.Device.Zero(512, 1024, mayUnmap: true, fua: true));
        byte[] after = _stack.Device.GetAll();
        Assert.NotEqual(before, after);
        Assert.Equal(sealedFile, _stack.Layers[0].ToArray());
        _stack.Reopen();
        Assert.Equal(after, _stack.Device.GetAll());
        Assert.Equal(before, _stack.Fork(1).GetAll());
        Assert.Equal(_content, _stack.Fork(0).GetAll());
    }

    [Fact]
    public void The_sealed_one_is_clean_has_its_length_and_is_no_top_any_more()
    {
        _stack.Device.Fill(512, 4096, 1);
        _stack.Snapshot(_stack.Device.GetAll());
        CowfileCheck.AssertClean(_stack.Layers[0], new CowLayout(BlockCount));
        CowloopException refused = Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(_content), _stack.Layers[0]));
        Assert.Equal(Errno.EROFS, refused.Errno);
        Assert.Contains("is sealed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_new_cowfile_names_it_as_it_is()
    {
        _stack.Device.Fill(0, 1024, 1);
        _stack.Snapshot(_stack.Device.GetAll());
        BaseImage image = Stack.Open(new FlatFile(_content), _stack.Layers);
        ParentLink parent = Assert.NotNull(_stack.Device.Top.Record?.Parent);
        Assert.True(parent.IsSameAs(image.Top!.ToLink("")));
        Assert.Equal(image.Fingerprint, AtRest.HeaderOf(_stack.Top).Fingerprint);
    }

    [Fact]
    public void A_snapshot_of_nothing_is_one()
    {
        _stack.Snapshot(_content);
        _stack.Snapshot(_content);
        _stack.Reopen();
        Assert.Equal(_content, _stack.Device.GetAll());
    }

    [Fact]
    public void What_was_sealed_takes_no_more_and_its_flush_does_nothing()
    {
        Overlay former = _stack.Device.Top;
        former.Fill(0, 1024, 1);
        _stack.Snapshot(_stack.Device.GetAll(), settle: false);
        byte[] before = _stack.Layers[0].ToArray();
        Assert.Equal(Overlay.Retired, former.Fill(0, 1024, 2));
        Assert.Equal(Overlay.Retired, former.Fill(50 * 1024, 1024, 2));
        Assert.Equal(Overlay.Retired, former.Zero(0, 1024, mayUnmap: true, fua: false));
        Assert.Equal(Errno.None, former.Flush());
        Assert.Equal(before, _stack.Layers[0].ToArray());
        Assert.Equal(Errno.None, _stack.Device.Flush());
    }

    [Fact]
    public void A_flush_after_the_hand_over_makes_durable_what_the_new_one_took()
    {
        var top = new TracingFile(new MemoryFile());
        BaseImage image = Disk.ImageOf(new FlatFile(_content));
        var disk = new StackDevice(new Overlay(image.File, Cowfile.Open(new MemoryFile(), "r1.cow", image, Disk.WithRecord), 512));
        disk.Fill(0, 1024, 1);
        Assert.Equal(Errno.None, disk.Snapshot("r1.cow", image, below => OverlayOn(below, top, new Guid(2, 0, 0, new byte[8])), null));
        disk.Fill(4096, 1024, 2);
        top.Forget();
        Assert.Equal(Errno.None, disk.Flush());
        Assert.Equal("sync", top.Calls.Last());
        disk.Dispose();
    }

    [Fact]
    public void What_is_written_while_the_new_one_is_made_is_in_the_sealed_one()
    {
        BaseImage image = Disk.ImageOf(new FlatFile(_content));
        var disk = new StackDevice(new Overlay(image.File, Cowfile.Open(new MemoryFile(), "r1.cow", image, Disk.WithRecord), 512));
        Errno errno = disk.Snapshot(
            "r1.cow",
            image,
            below =>
            {
                Assert.Equal(Errno.None, disk.Fill(0, 1024, 7));
                return OverlayOn(below, new MemoryFile(), new Guid(2, 0, 0, new byte[8]));
            },
            null);
        Assert.Equal(Errno.None, errno);
        Assert.Equal(0, disk.Top.UsedBlocks);
        Assert.Equal("07 07", disk.Sectors(0, 1024));
        disk.Dispose();
    }

    /// <summary>From the hand-over on changes go into the new one, and the first of them finds its header dirty already: nobody waits for a disk.</summary>
    [Fact]
    public void Changes_go_on_while_the_former_one_is_made_durable()
    {
        var next = new MemoryFile();
        StackDevice? disk = null;
        Overlay? former = null;
        int changeCount = 0;
        var hooked = new TracingFile(new MemoryFile())
        {
            OnCall = call =>
            {
                if (call.ToString() == "sync" && disk is not null && disk.Top != former)
                {
                    Assert.Equal(Errno.None, disk.Fill(changeCount * 1024, 1024, 9));
                    changeCount++;
                }
                return Errno.None;
            },
        };
        BaseImage image = Disk.ImageOf(new FlatFile(_content));
        former = OverlayOn(image, hooked, Disk.Id);
        disk = new StackDevice(former);
        disk.Fill(0, 8192, 1);
        Errno errno = disk.Snapshot("r1.cow", image, below => OverlayOn(below, next, new Guid(2, 0, 0, new byte[8])), null);
        Assert.Equal(Errno.None, errno);
        Assert.True(changeCount >= 2, $"{changeCount} changes");
        Assert.Equal(changeCount, disk.Top.UsedBlocks);
        disk.Dispose();
    }

    [Fact]
    public void When_the_new_one_can_not_be_made_nothing_has_changed()
    {
        _stack.Device.Fill(0, 1024, 1);
        Overlay former = _stack.Device.Top;
        BaseImage image = Disk.ImageOf(new FlatFile(_content));
        Assert.Throws<CowloopException>(() => _stack.Device.Snapshot("x.cow", image, _ => throw new CowloopException(Errno.ENOSPC, "no"), null));
        Assert.Same(former, _stack.Device.Top);
        Assert.Equal(Errno.None, _stack.Device.Fill(1024, 1024, 2));
        byte[] expected = _stack.Device.GetAll();
        _stack.Reopen();
        Assert.Equal(expected, _stack.Device.GetAll());
    }

    [Fact]
    public void Layers_become_flat_and_only_the_stack_has_them_open()
    {
        for (int layer = 0; layer < 3; layer++)
        {
            _stack.Device.Fill(layer * 2048, 4096, (byte)(layer + 1));
            _stack.Snapshot(_stack.Device.GetAll());
        }
        byte[] expected = _stack.Device.GetAll();
        Assert.All(_stack.Layers, layer => Assert.Equal(0, layer.DisposeCount));
        Assert.Equal(Errno.None, _stack.Device.Close());
        Assert.All(_stack.Layers, layer => Assert.Equal(1, layer.DisposeCount));
        _stack.Reopen();
        Assert.Equal(expected, _stack.Device.GetAll());
    }

    [Fact]
    public void A_stack_that_was_never_made_flat_reads_the_same()
    {
        for (int layer = 0; layer < 4; layer++)
        {
            _stack.Device.Fill(layer * 2048, 4096, (byte)(layer + 1));
            _stack.Snapshot(_stack.Device.GetAll(), settle: layer == 3);
            Assert.Equal(_stack.States[^1], _stack.Device.GetAll());
        }
        _stack.Device.Fill(1024, 1024, 9);
        byte[] expected = _stack.Device.GetAll();
        _stack.Reopen();
        Assert.Equal(expected, _stack.Device.GetAll());
    }

    [Fact]
    public void When_it_can_not_be_made_flat_everything_goes_on()
    {
        BaseImage image = Disk.ImageOf(new FlatFile(_content));
        var file = new FaultyFile(new MemoryFile(), new PlannedFault(1, PlannedFault.ForGood, Errno.EIO, FaultMoment.BeforeTheCall)) { IsArmed = false };
        Overlay former = OverlayOn(image, file, Disk.Id);
        var disk = new StackDevice(former);
        disk.Fill(0, 4096, 1);
        byte[] expected = disk.GetAll();
        BaseImage? below = null;
        Assert.Equal(Errno.None, disk.Snapshot("r1.cow", image, lower => OverlayOn(below = lower, new MemoryFile(), new Guid(2, 0, 0, new byte[8])), null));
        file.IsArmed = true;
        Assert.Throws<CowloopException>(() => disk.Settle((LayerStack)below!.File, former, HeapWords.Allocate));
        file.IsArmed = false;
        Assert.Equal(expected, disk.GetAll());
        disk.Settle((LayerStack)below!.File, former, HeapWords.Allocate);
        Assert.Equal(expected, disk.GetAll());
        disk.Dispose();
    }

    [Fact]
    public void A_rollback_shows_the_layers_again_and_closes_only_the_cowfile()
    {
        _stack.Device.Fill(0, 4096, 1);
        byte[] expected = _stack.Device.GetAll();
        _stack.Snapshot(expected);
        _stack.Device.Fill(2048, 4096, 2);
        MemoryFile thrownAway = _stack.Top;
        _stack.Rollback();
        Assert.Equal(1, thrownAway.DisposeCount);
        Assert.Equal(0, _stack.Layers[0].DisposeCount);
        Assert.Equal(expected, _stack.Device.GetAll());
        _stack.Device.Fill(8192, 4096, 3);
        expected = _stack.Device.GetAll();
        _stack.Reopen();
        Assert.Equal(expected, _stack.Device.GetAll());
    }

    [Fact]
    public void A_rollback_that_is_not_committed_changes_nothing()
    {
        _stack.Device.Fill(0, 4096, 1);
        byte[] expected = _stack.Device.GetAll();
        BaseImage image = Disk.ImageOf(new FlatFile(_content));
        Assert.Equal(Errno.EACCES, _stack.Device.Replace(OverlayOn(image, new MemoryFile(), new Guid(2, 0, 0, new byte[8])), () => Errno.EACCES));
        Assert.Equal(expected, _stack.Device.GetAll());
        Assert.Equal(Errno.None, _stack.Device.Fill(4096, 1024, 2));
    }

    /// <summary>
    /// Whichever call of the cowfile that is to be sealed fails, and however: the device goes on with it, or with the new one, whose next flush seals it; or it
    /// says that it is read-only.
    /// </summary>
    [Fact]
    public void When_sealing_fails_the_device_goes_on()
    {
        int sealedLater = 0;
        int faultCount = EveryCall.Faults.Sum(fault => CheckSealing(fault, ref sealedLater));
        Assert.True(faultCount > 100, $"{faultCount} faults");
        Assert.True(sealedLater > 10, $"{sealedLater} times sealed by a later flush");
    }

    private int CheckSealing(PlannedFault fault, ref int sealedLater)
    {
        for (int call = 1; ; call++)
        {
            var memory = new MemoryFile();
            var faulty = new FaultyFile(memory, fault with { First = call }) { IsArmed = false };
            BaseImage image = Disk.ImageOf(new FlatFile(_content));
            using var disk = new StackDevice(OverlayOn(image, faulty, Disk.Id));
            Assert.Equal(Errno.None, disk.Fill(512, 4096, 1));
            byte[] expected = disk.GetAll();
            Overlay former = disk.Top;
            var next = new MemoryFile();
            faulty.IsArmed = true;
            Errno errno = disk.Snapshot("r1.cow", image, below => OverlayOn(below, next, new Guid(2, 0, 0, new byte[8])), null);
            faulty.IsArmed = false;
            string what = $"{fault}, call {call}: {errno}";
            Assert.True(expected.AsSpan().SequenceEqual(disk.GetAll()), what);
            if (!faulty.HasFired)
            {
                Assert.Equal(Errno.None, errno);
                return call - 1;
            }
            Assert.True(faulty.HasFailedSync == (former.Failure != Errno.None), what);
            Assert.True(faulty.HasFailedSync == (disk.Top.Failure != Errno.None), what);
            Errno written = disk.Fill(8192, 1024, 2);
            Assert.True(written == (faulty.HasFailedSync ? Errno.EROFS : Errno.None), $"{what}: {written}");
            expected = disk.GetAll();
            bool isExchanged = former != disk.Top;
            // A punch or a cut that fails costs space, nothing else.
            Assert.True(isExchanged || errno != Errno.None, what);
            if (faulty.HasFailedSync)
            {
                Assert.Equal(Errno.EIO, disk.Flush());
                Assert.Equal(Errno.EIO, disk.Close());
                continue;
            }
            sealedLater += isExchanged && errno != Errno.None ? 1 : 0;
            Assert.Equal(Errno.None, disk.Close());
            using StackDevice again = isExchanged
                ? Stack.Open(new FlatFile(_content), [memory], next, Disk.WithRecord with { NewId = null })
                : Stack.Open(new FlatFile(_content), [], memory, Disk.WithRecord with { NewId = null });
            Assert.True(expected.AsSpan().SequenceEqual(again.GetAll()), what);
        }
    }

    private static Overlay OverlayOn(BaseImage image, IBlockFile file, Guid? id) =>
        new(image.File, Cowfile.Open(file, Disk.Path, image, Disk.WithRecord with { NewId = id }), 512);
}
