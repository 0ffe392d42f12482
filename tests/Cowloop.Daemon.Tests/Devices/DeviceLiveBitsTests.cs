using Cowloop.Core.Format;
using Cowloop.Core.Live;
using Cowloop.Linux;
using Cowloop.Tests.Support;

namespace Cowloop.Daemon.Tests.Devices;

public sealed class DeviceLiveBitsTests : IDisposable
{
    private const string Memory = "/dev/shm";
    private const string Variable = "COWLOOP_LIVE_DIR";

    private static readonly LiveKey Key = new(Guid.NewGuid(), 1, 2);
    private static readonly byte[] HeaderBlock = new byte[CowLayout.BlockSize];

    private readonly TempDirectory _memory = TempDirectory.InMemory();
    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);

    public DeviceLiveBitsTests() => Environment.SetEnvironmentVariable(Variable, _memory["live"]);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, _before);
        _memory.Dispose();
    }

    [NeedsFact(Memory)]
    public void A_new_device_begins_without_what_was_kept_before()
    {
        LiveDirectory directory = LiveDirectory.TryMake(out _)!;
        using (var former = new DeviceLiveBits(directory, Key).Bits)
        {
            former.Begin(HeaderBlock);
        }
        Assert.NotEqual(0, new FileInfo(Files().Single()).Length);

        using LiveBits bits = new DeviceLiveBits(directory, Key).Bits;

        Assert.Equal(0, new FileInfo(Files().Single()).Length);
        Assert.False(bits.IsKept);
        bits.Begin(HeaderBlock);
        Assert.True(bits.IsKept);
    }

    [NeedsFact(Memory)]
    public void Discarding_removes_them_once()
    {
        LiveDirectory directory = LiveDirectory.TryMake(out _)!;
        var live = new DeviceLiveBits(directory, Key);
        using LiveBits bits = live.Bits;
        live.Discard();
        Assert.Empty(Files());

        // Somebody else has the cowfile now.
        using LiveBits other = new DeviceLiveBits(directory, Key).Bits;
        live.Discard();
        Assert.Single(Files());
    }

    [NeedsFact(Memory)]
    public void Without_a_place_nothing_is_kept_and_what_was_goes()
    {
        LiveDirectory directory = LiveDirectory.TryMake(out _)!;
        using (LiveBits former = new DeviceLiveBits(directory, Key).Bits)
        {
            former.Begin(HeaderBlock);
        }

        using LiveBits bits = new DeviceLiveBits(null, Key).Bits;

        bits.Begin(HeaderBlock);
        Assert.False(bits.IsKept);
        Assert.Empty(Files());
    }

    private string[] Files() => Directory.GetFiles(_memory["live"]);
}
