using Cowloop.Control;
using Cowloop.Core.Files;
using Cowloop.Core.Live;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>A layer of a device.</summary>
/// <param name="Name">As the user named it, or where it was found.</param>
/// <param name="Path">Its absolute path.</param>
/// <param name="File">The file, open and locked.</param>
/// <param name="Content">The cowfile that it holds; owns the file, and what lies on the base owns this.</param>
internal sealed record DeviceLayer(string Name, string Path, PosixFile File, IBlockFile Content)
{
    /// <summary>Which file it is.</summary>
    public FileIdentity Identity => File.Identity;
}

/// <summary>The files of a device. A snapshot gives it other ones.</summary>
internal sealed record DeviceFiles
{
    /// <summary>The base as the user named it.</summary>
    public required string Base { get; init; }

    /// <summary>Its absolute path.</summary>
    public required string BasePath { get; init; }

    /// <summary>Which file it is.</summary>
    public required FileIdentity BaseIdentity { get; init; }

    /// <summary>The node of the cowdevice, or of its partition, that is the base; null for any other base.</summary>
    public string? BaseNode { get; init; }

    /// <summary>The layers between base and cowfile, bottom to top.</summary>
    public IReadOnlyList<DeviceLayer> Layers { get; init; } = [];

    /// <summary>What becomes of the changes.</summary>
    public DeviceMode Mode { get; init; }

    /// <summary>The cowfile as the user named it; empty where there is none.</summary>
    public string Cowfile { get; init; } = "";

    /// <summary>Its absolute path, or empty.</summary>
    public string CowfilePath { get; init; } = "";

    /// <summary>Which file takes the changes; one without a name where there is no cowfile.</summary>
    public FileIdentity CowfileIdentity { get; init; }

    /// <summary>True when the cowfile was created by this activation.</summary>
    public bool IsNewCowfile { get; init; }

    /// <summary>True when the cowfile lies on a filesystem on another cowdevice.</summary>
    public bool IsCowfileOnCowdevice { get; init; }

    /// <summary>What live bits of the cowfile are known by.</summary>
    public LiveKey LiveKey { get; init; }
}
