using System.Buffers;
using Cowloop.Core.Live;

namespace Cowloop.Core.Devices;

/// <summary>How a cowfile is opened.</summary>
public sealed record CowfileOptions
{
    /// <summary>Memory for the bitmap; see <see cref="Bitmap"/>.</summary>
    public required Func<int, IMemoryOwner<ulong>> AllocateZeroedWords { get; init; }

    /// <summary>Identity of a file that is made new; null makes a plain one, with neither record nor private flag, as the original would.</summary>
    public Guid? NewId { get; init; }

    /// <summary>Repair a dirty file that does not say itself what is valid in it; otherwise it is refused.</summary>
    public bool Repair { get; init; }

    /// <summary>Take a base whose content has changed since; the record tells of it.</summary>
    public bool AcceptBase { get; init; }

    /// <summary>Read all of the base, and compare it with the digest in the record, or put that there.</summary>
    public bool VerifyBase { get; init; }

    /// <summary>Finds the live bits that a killed service has left, given the cowfile's header block; null where nobody keeps any.</summary>
    public Func<ReadOnlyMemory<byte>, KeptBits?>? FindKeptBits { get; init; }
}
