using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Daemon.Tests.Support;
using Cowloop.Linux;
using Cowloop.Tests.Support;

namespace Cowloop.Daemon.Tests.Recovery;

/// <summary>What is found on disk says which of two cowfiles a device has.</summary>
public sealed class SavedExchangeTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_snapshot_is_decided_when_the_new_cowfile_was_made_on_the_old_one_for_it_may_have_taken_changes()
    {
        SavedDevice former = Former() with { IsOnCowdevice = false };
        ParentLink link = MakeCowfile("my.cow", isSealed: false);
        SavedExchange exchange = Exchange("new.cow", "new.cow", link);
        Assert.True(exchange.IsSnapshotOf(former));
        Assert.True(exchange.IsDecided(former));
        File.Delete(_directory["new.cow"]);
        Assert.False(exchange.IsDecided(former));
    }

    /// <summary>Then it never took over: from that moment on the old one does not change.</summary>
    [Fact]
    public void A_snapshot_whose_old_cowfile_has_changed_since_the_new_one_was_made_never_was()
    {
        SavedDevice former = Former() with { IsOnCowdevice = false };
        ParentLink link = MakeCowfile("my.cow", isSealed: false);
        SavedExchange exchange = Exchange("new.cow", "new.cow", link with { Generation = link.Generation + 1 });
        Assert.False(exchange.IsDecided(former));
    }

    [Fact]
    public void Where_the_cowfile_s_filesystem_died_too_it_is_decided_by_the_seal()
    {
        SavedDevice former = Former() with { IsOnCowdevice = true };
        SavedExchange exchange = Exchange("new.cow", "new.cow", MakeCowfile("my.cow", isSealed: false));
        Assert.False(exchange.IsDecided(former));
        MakeCowfile("my.cow", isSealed: true);
        Assert.True(exchange.IsDecided(former));
    }

    [Fact]
    public void A_rollback_is_decided_when_the_new_file_has_the_name()
    {
        MakeCowfile("my.cow", isSealed: false);
        SavedDevice former = Former();
        SavedExchange exchange = Exchange("my.cow", "my.cow.rollback-1");
        Assert.False(exchange.IsSnapshotOf(former));
        Assert.False(exchange.IsDecided(former));
        File.Move(_directory["my.cow.rollback-1"], _directory["my.cow"], overwrite: true);
        Assert.True(exchange.IsDecided(former));
        File.Delete(_directory["my.cow"]);
        Assert.False(exchange.IsDecided(former));
    }

    [Fact]
    public void The_device_then_has_the_new_files_and_all_else_as_it_was()
    {
        SavedDevice former = Samples.InExchange(3);
        SavedDevice device = former.Exchange!.ApplyTo(former);
        Assert.Equal("next.cow", device.Cowfile);
        Assert.Equal("/home/me/next.cow", device.CowfilePath);
        Assert.Equal(former.Exchange.CowfileIdentity, device.CowfileIdentity);
        Assert.Equal(["/home/me/r1.cow", "/home/me/r2.cow", "/home/me/it's my.cow"], device.Layers);
        Assert.Equal(former.Exchange.LiveKey, device.LiveKey);
        Assert.False(device.IsOnCowdevice);
        Assert.Null(device.Exchange);
        Assert.Equal(
            former,
            device with
            {
                Cowfile = former.Cowfile,
                CowfilePath = former.CowfilePath,
                CowfileIdentity = former.CowfileIdentity,
                Layers = former.Layers,
                LiveKey = former.LiveKey,
                IsOnCowdevice = former.IsOnCowdevice,
                Exchange = former.Exchange,
            });
    }

    [Fact]
    public void What_was_made_for_nothing_goes_and_nothing_else()
    {
        SavedExchange exchange = Exchange("new.cow", "made");
        exchange.RemoveMade();
        Assert.False(File.Exists(_directory["made"]));
        exchange.RemoveMade();
        // By now it is somebody else's.
        File.WriteAllText(_directory["other"], "made before, so that it is another file\n");
        exchange = Exchange("new.cow", "made");
        File.Move(_directory["other"], _directory["made"], overwrite: true);
        exchange.RemoveMade();
        Assert.True(File.Exists(_directory["made"]));
    }

    private SavedDevice Former() => Samples.Device(1) with { CowfilePath = _directory["my.cow"] };

    private SavedExchange Exchange(string cowfile, string made, ParentLink? parent = null)
    {
        MakeCowfile(made, isSealed: false, parent);
        Assert.Equal(Errno.None, FileIdentity.TryGet(_directory[made], out FileIdentity identity));
        return Samples.InExchange(1).Exchange! with
        {
            Cowfile = cowfile,
            CowfilePath = _directory[cowfile],
            CowfileIdentity = identity,
            MadePath = _directory[made],
        };
    }

    private ParentLink MakeCowfile(string name, bool isSealed, ParentLink? parent = null)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        CowHeader.ForNewFile(new CowLayout(100), 1).Encode(block);
        var record = new ExtensionRecord { Id = Guid.NewGuid(), BaseLengthBytes = 102_400, BaseIdentity = default, IsSealed = isSealed, Parent = parent };
        record.Encode(block);
        File.WriteAllBytes(_directory[name], block);
        return record.ToLink(name);
    }
}
