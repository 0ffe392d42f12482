using Cowloop.Core.Live;
using Cowloop.Linux;

namespace Cowloop.Daemon.Recovery;

/// <summary>
/// The cowfile that a device is about to get, by a snapshot or a rollback. It is written down before the device can use it: whenever the service is killed,
/// what is found on disk says which of the two the device has.
/// </summary>
internal sealed record SavedExchange
{
    /// <summary>The new cowfile as its user named it.</summary>
    public required string Cowfile { get; init; }

    /// <summary>Its absolute path.</summary>
    public required string CowfilePath { get; init; }

    /// <summary>Which file it is.</summary>
    public required FileIdentity CowfileIdentity { get; init; }

    /// <summary>The layers that it lies on, bottom to top: absolute paths.</summary>
    public required IReadOnlyList<string> Layers { get; init; }

    /// <summary>What its live bits are known by.</summary>
    public required LiveKey LiveKey { get; init; }

    /// <summary>True when it lies on a filesystem on another cowdevice.</summary>
    public required bool IsOnCowdevice { get; init; }

    /// <summary>The path that it has until the exchange is decided, and that is of no use when it never is.</summary>
    public required string MadePath { get; init; }

    /// <summary>Describes a cowfile that a device is about to get.</summary>
    /// <param name="files">The device's files then.</param>
    /// <param name="madePath">The path that the cowfile has now.</param>
    public static SavedExchange Of(DeviceFiles files, string madePath) => new()
    {
        MadePath = madePath,
        Cowfile = files.Cowfile,
        CowfilePath = files.CowfilePath,
        CowfileIdentity = files.CowfileIdentity,
        Layers = [.. files.Layers.Select(layer => layer.Path)],
        LiveKey = files.LiveKey,
        IsOnCowdevice = files.IsCowfileOnCowdevice,
    };

    /// <summary>The device with the new cowfile.</summary>
    public SavedDevice ApplyTo(SavedDevice device) => device with
    {
        Cowfile = Cowfile,
        CowfilePath = CowfilePath,
        CowfileIdentity = CowfileIdentity,
        Layers = Layers,
        LiveKey = LiveKey,
        IsOnCowdevice = IsOnCowdevice,
        Exchange = null,
    };

    /// <summary>True for a snapshot, after which the device lies on its former cowfile; false for a rollback.</summary>
    /// <param name="former">The device as it was before.</param>
    public bool IsSnapshotOf(SavedDevice former) => CowfilePath != former.CowfilePath;

    /// <summary>
    /// True when the device has the new cowfile: a rollback when the new file has the place of the old one; a snapshot when the old one is sealed, or when
    /// the new one was made on it as it is, for that may have taken changes before. Only where the cowfile's own filesystem died with the service the seal
    /// alone counts, as after a loss of power.
    /// </summary>
    /// <param name="former">The device as it was before.</param>
    public bool IsDecided(SavedDevice former) => IsSnapshotOf(former)
        ? LayerFinder.IsSealed(former.CowfilePath)
            || (!former.IsOnCowdevice && IsMadeAt(MadePath) && LayerFinder.IsLayerOf(former.CowfilePath, MadePath))
        : IsMadeAt(CowfilePath);

    /// <summary>Removes the cowfile that was made for an exchange which never was.</summary>
    public void RemoveMade()
    {
        if (IsMadeAt(MadePath))
        {
            CowfileOpener.Remove(MadePath);
        }
    }

    private bool IsMadeAt(string path) => FileIdentity.TryGet(path, out FileIdentity identity) == Core.Errno.None && identity.IsSameAs(CowfileIdentity);
}
