using Cowloop.Core.Live;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>The live bits of one device, and the file they are in.</summary>
internal sealed class DeviceLiveBits
{
    private readonly LiveKey _key;
    private bool _isDiscarded;

    /// <summary>Begins new ones; what a killed service has left for the cowfile is no longer needed.</summary>
    /// <param name="directory">Where they are kept; null when they can't be.</param>
    /// <param name="key">The cowfile.</param>
    public DeviceLiveBits(LiveDirectory? directory, LiveKey key)
    {
        _key = key;
        LiveDirectory.RemoveAll(key);
        Bits = new LiveBits(directory?.TryCreate(key), key);
    }

    /// <summary>Where the overlay keeps its bits; goes to it.</summary>
    public LiveBits Bits { get; }

    /// <summary>
    /// Nothing needs them any more, for instance because the cowfile is clean. Once, and before anybody else can use the cowfile, for the file may
    /// then be that one's.
    /// </summary>
    public void Discard()
    {
        if (!_isDiscarded)
        {
            _isDiscarded = true;
            LiveDirectory.RemoveAll(_key);
        }
    }
}
