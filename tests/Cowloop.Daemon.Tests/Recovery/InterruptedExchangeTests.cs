using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Daemon.Tests.Support;
using Cowloop.Linux;
using Cowloop.Tests.Support;

namespace Cowloop.Daemon.Tests.Recovery;

/// <summary>What becomes of a snapshot that was cut short by a kill.</summary>
public sealed class InterruptedExchangeTests : IDisposable
{
    private const string Memory = "/dev/shm";
    private const string Variable = "COWLOOP_LIVE_DIR";
    private const int BlockCount = 100;
    private const int FilledByte = 7;

    private readonly TempDirectory _files = TempDirectory.InMemory();
    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);
    private readonly InterruptedExchange _exchange = new(new DeviceTable(16));

    public InterruptedExchangeTests()
    {
        Environment.SetEnvironmentVariable(Variable, _files["live"]);
        File.WriteAllBytes(_files["base"], new byte[BlockCount * CowLayout.BlockSize]);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, _before);
        _files.Dispose();
    }

    [NeedsFact(Memory)]
    public void A_new_cowfile_that_may_have_taken_changes_stays_and_the_former_one_is_sealed_with_all_that_was_kept()
    {
        SavedDevice former = Kill(Former());

        SavedDevice device = _exchange.Decide(former);

        Assert.Equal(_files["next.cow"], device.CowfilePath);
        Assert.Null(device.Exchange);
        Assert.True(LayerFinder.IsSealed(former.CowfilePath));
        Assert.Empty(Directory.GetFiles(_files["live"]));
        byte[] file = File.ReadAllBytes(former.CowfilePath);
        CowHeader header = CowHeader.Decode(file)!;
        Assert.Equal((CowFlags.BitmapDecides, 2UL), (header.Flags, header.UsedBlocks));
        Assert.Equal(2 * CowLayout.BlockSize, file.AsSpan((int)new CowLayout(BlockCount).DataOffsetBytes).Count((byte)FilledByte));
    }

    [NeedsFact(Memory)]
    public void It_is_decided_the_same_way_again()
    {
        SavedDevice former = Kill(Former());

        SavedDevice device = _exchange.Decide(former);
        byte[] file = File.ReadAllBytes(former.CowfilePath);

        Assert.Equal(device.CowfilePath, _exchange.Decide(former).CowfilePath);
        Assert.Equal(device, _exchange.Decide(device));
        Assert.Equal(file, File.ReadAllBytes(former.CowfilePath));
    }

    [NeedsFact(Memory)]
    public void Without_the_new_cowfile_nothing_has_happened()
    {
        SavedDevice former = Kill(Former());
        File.Delete(_files["next.cow"]);

        SavedDevice device = _exchange.Decide(former);

        Assert.Equal((former.CowfilePath, null), (device.CowfilePath, device.Exchange));
        Assert.False(LayerFinder.IsSealed(former.CowfilePath));
        Assert.Single(Directory.GetFiles(_files["live"]));
    }

    /// <summary>Where the page cache is lost only what was flushed counts, and no flush of the new one has ended before the seal.</summary>
    [NeedsFact(Memory)]
    public void Where_the_filesystem_died_too_only_the_seal_counts()
    {
        SavedDevice former = Kill(Former() with { IsOnCowdevice = true });

        SavedDevice device = _exchange.Decide(former);

        Assert.Equal((former.CowfilePath, null), (device.CowfilePath, device.Exchange));
        Assert.False(File.Exists(_files["next.cow"]));
    }

    [NeedsFact(Memory)]
    public void A_cowfile_that_somebody_has_open_still_is_tried_again()
    {
        SavedDevice former = Kill(Former());
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(former.CowfilePath, out PosixFile? other));
        using (other)
        {
            Assert.Equal(Errno.None, other!.TryLock(exclusive: true));
            Assert.Equal(Errno.EBUSY, Assert.Throws<CowloopException>(() => _exchange.Decide(former)).Errno);
        }
        Assert.Equal(_files["next.cow"], _exchange.Decide(former).CowfilePath);
    }

    private SavedDevice Former() => Samples.InExchange(0) with
    {
        CowfilePath = _files["my.cow"],
        BasePath = _files["base"],
        IsOnCowdevice = false,
    };

    /// <summary>Does what a service does that is killed after the new cowfile has taken over: two blocks of the former one are known only to its live bits.</summary>
    private SavedDevice Kill(SavedDevice former)
    {
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(_files["base"], out PosixFile? image));
        Assert.Equal(Errno.None, PosixFile.TryCreate(former.CowfilePath, out PosixFile? file));
        var cowfile = Cowfile.Open(file!, "my.cow", new BaseImage(image!, "base"), new CowfileOptions
        {
            AllocateZeroedWords = words => new NativeWords(words),
            NewId = Guid.NewGuid(),
        });
        var key = LiveDirectory.KeyOf(file!);
        var live = new DeviceLiveBits(LiveDirectory.TryMake(out _), key);
        using (var overlay = new Overlay(image!, cowfile, 512, live.Bits))
        {
            byte[] bytes = new byte[2 * CowLayout.BlockSize];
            bytes.AsSpan().Fill(FilledByte);
            Assert.Equal(Errno.None, overlay.Write(10 * CowLayout.BlockSize, bytes, fua: false));
        }
        MakeNext(cowfile.Record!.ToLink("my.cow"));
        Assert.Equal(Errno.None, FileIdentity.TryGet(former.CowfilePath, out FileIdentity identity));
        Assert.Equal(Errno.None, FileIdentity.TryGet(_files["next.cow"], out FileIdentity next));
        return former with
        {
            CowfileIdentity = identity,
            LiveKey = key,
            Exchange = former.Exchange! with { CowfilePath = _files["next.cow"], MadePath = _files["next.cow"], CowfileIdentity = next },
        };
    }

    /// <summary>Its header block is all that is looked at.</summary>
    private void MakeNext(ParentLink parent)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        CowHeader.ForNewFile(new CowLayout(BlockCount), 1).Encode(block);
        new ExtensionRecord { Id = Guid.NewGuid(), BaseLengthBytes = BlockCount * CowLayout.BlockSize, BaseIdentity = default, Parent = parent }.Encode(block);
        File.WriteAllBytes(_files["next.cow"], block);
    }
}
