using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Core.Format;

namespace Cowloop.Linux;

/// <summary>What a new cowfile is kept in.</summary>
/// <param name="ChunkBytes">Size of a chunk of a compact store; null for a classic cowfile.</param>
/// <param name="LimitBytes">How long the file of a compact store may get; null: no limit, and for a classic cowfile and a block device.</param>
public sealed record StoreChoice(int? ChunkBytes, long? LimitBytes = null)
{
    /// <summary>Size of a chunk unless another one is asked for.</summary>
    public const int UsualChunkBytes = 64 << 10;

    /// <summary>A file as the original makes it, with a place for every block of the base.</summary>
    public static StoreChoice Classic { get; } = new((int?)null);

    /// <summary>A compact store with chunks of the usual size.</summary>
    public static StoreChoice Compact { get; } = new(UsualChunkBytes);

    /// <summary>The same as what a cowfile is kept in that exists.</summary>
    public static StoreChoice Like(StoredFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new StoreChoice(file.Compact?.ChunkBytes, file.Compact?.LimitBytes);
    }

    /// <summary>
    /// What a new cowfile is kept in when nobody says: classic, unless it would take the space of its whole base because the filesystem has no holes, or it is
    /// a block device.
    /// </summary>
    /// <param name="file">The file, empty; it is so again on return.</param>
    public static StoreChoice For(PosixFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.Identity.Kind == FileKind.Regular && file.CanHaveHoles() ? Classic : Compact;
    }

    /// <summary>Says why a compact store was made that nobody asked for.</summary>
    public static string WhyCompact(string name) =>
        $"cowfile {name} is made as a compact store: its filesystem has no holes, and a classic one would take the space of the whole base at once";

    /// <summary>Makes it.</summary>
    /// <param name="file">The file; what it holds is lost. The result owns it; after an exception it is still the caller's.</param>
    /// <param name="name">As the user named it.</param>
    /// <param name="layout">Layout of the cowfile that it is to hold.</param>
    /// <returns>A file of length 0 for a new cowfile.</returns>
    /// <exception cref="CowloopException">It can't be made.</exception>
    public StoredFile Make(PosixFile file, string name, CowLayout layout)
    {
        if (ChunkBytes is int chunkBytes)
        {
            CompactFile.Format(file, name, Guid.NewGuid(), chunkBytes, layout, file.Identity.Kind == FileKind.BlockDevice, LimitBytes);
        }
        return StoredFile.Open(file, name);
    }
}
