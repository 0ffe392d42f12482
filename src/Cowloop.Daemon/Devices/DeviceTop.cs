using Cowloop.Control;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>What takes the changes of a device: its cowfile, or a file without a name. A snapshot or a rollback exchanges it.</summary>
/// <param name="Files">The device's files with this one.</param>
/// <param name="Below">What it lies on.</param>
/// <param name="Overlay">What does the requests; it owns the file.</param>
/// <param name="File">The file.</param>
/// <param name="Counted">Counts what is done with the file.</param>
/// <param name="LiveBits">Its live bits; null where none are kept.</param>
/// <param name="Repaired">What was repaired when it was opened, or null.</param>
/// <param name="Volatile">How it was asked for when it has no name; else null.</param>
internal sealed record DeviceTop(
    DeviceFiles Files,
    BaseImage Below,
    Overlay Overlay,
    StoredFile File,
    CountedFile Counted,
    DeviceLiveBits? LiveBits,
    RepairReport? Repaired = null,
    VolatileRequest? Volatile = null)
{
    /// <summary>What a cowfile in its place is to be kept in.</summary>
    public StoreChoice Store => StoreChoice.Like(File);

    /// <summary>Gives up one that came to no use, with its cowfile if that was made for it; what lies below stays open.</summary>
    public void Discard()
    {
        LiveBits?.Discard();
        if (Files.IsNewCowfile)
        {
            CowfileOpener.Remove(Files.CowfilePath);
        }
        Overlay.DisposeTop();
    }
}
