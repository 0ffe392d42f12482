using System.Buffers;
using Cowloop.Core.Live;

namespace Cowloop.Core.Devices;

/// <summary>How a cowfile is opened.</summary>
public sealed record CowfileOptions : BaseOptions
{
    /// <summary>Memory for the bitmap; see <see cref="Bitmap"/>.</summary>
    public required Func<int, IMemoryOwner<ulong>> AllocateZeroedWords { get; init; }

    /// <summary>Identity of a file that is made new; null makes a plain one, with neither record nor private flag, as the original would.</summary>
    public Guid? NewId { get; init; }

    /// <summary>Repair a dirty file that does not say itself what is valid in it; otherwise it is refused.</summary>
    public bool Repair { get; init; }

    /// <summary>Where the topmost layer below is, seen from a file that is made new; null where there is none, or nobody knows.</summary>
    public string? ParentPath { get; init; }

    /// <summary>Size of the device of a file that is made new, where it is to be larger than what lies below; else null.</summary>
    public long? DeviceBytes { get; init; }

    /// <summary>Finds the live bits that a killed service has left, given the cowfile's header block; null where nobody keeps any.</summary>
    public Func<ReadOnlyMemory<byte>, KeptBits?>? FindKeptBits { get; init; }
}
