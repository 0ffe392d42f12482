using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Layers;

/// <summary>A cowfile that is only read: a layer between the base and the one that takes the writes. Nothing of it ever changes here.</summary>
public sealed class Layer : IDisposable
{
    /// <summary>Takes a cowfile that is known to be sound.</summary>
    /// <param name="file">The file; owned.</param>
    /// <param name="name">As the user named it, for messages.</param>
    /// <param name="layout">Where things lie in it.</param>
    /// <param name="record">Its extension record, or null.</param>
    public Layer(IBlockFile file, string name, CowLayout layout, ExtensionRecord? record)
    {
        File = file;
        Name = name;
        Layout = layout;
        Record = record;
    }

    /// <summary>The file; owned.</summary>
    public IBlockFile File { get; }

    /// <summary>As the user named it.</summary>
    public string Name { get; }

    /// <summary>Where things lie in the file.</summary>
    public CowLayout Layout { get; }

    /// <summary>Its extension record; null when it has none.</summary>
    public ExtensionRecord? Record { get; }

    /// <summary>The layer as one that lies on it names it.</summary>
    /// <param name="path">Where it is, seen from that one.</param>
    public ParentLink ToLink(string path) => Record?.ToLink(path) ?? new ParentLink(Guid.Empty, 0, path);

    /// <summary>Opens a cowfile as a layer, and verifies all that an activation verifies (specification 4.4 steps 15-23).</summary>
    /// <param name="file">The file, locked by the caller so that nobody writes to it. The result owns it; after an exception it is still the caller's.</param>
    /// <param name="name">As the user named it.</param>
    /// <param name="below">What it lies on.</param>
    /// <param name="options">What the user wants of the base.</param>
    /// <exception cref="CowloopException">It is dirty, packed, damaged, made for something else, or can't be read.</exception>
    public static Layer Open(IBlockFile file, string name, BaseImage below, BaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(below);
        var cowfile = new CheckedFile(file, name);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header = CowfileChecks.ReadHeader(cowfile, headerBlock);
        ExtensionRecord? record = CowfileChecks.DecodeRecord(headerBlock, name);
        CowfileChecks.RequireKnownVersion(header, name);
        CowfileChecks.RequireUnpacked(header, name);
        CowLayout layout = CowfileChecks.RequireLayout(header, name);
        BaseGuard.RequireRelated(header, record, name, below);
        Parentage.Require(record, name, below.Top);
        if (record?.Merged is { IsComplete: false })
        {
            // The layer on top, which is just being merged into it, hides all that is new.
            CowfileChecks.RequireComplete(cowfile, layout, CowfileChecks.Count(cowfile, layout));
        }
        else
        {
            CowfileChecks.RequireClean(header, name);
            CowfileChecks.RequireSound(cowfile, header, layout);
        }
        if (record is not null)
        {
            _ = BaseGuard.Check(record, name, below, header.Fingerprint != below.Fingerprint, options);
        }
        return new Layer(file, name, layout, record);
    }

    /// <summary>The bitmap in pieces, as it is in the file.</summary>
    /// <exception cref="CowloopException">It can't be read.</exception>
    internal IEnumerable<BitmapWords> ReadBitmap() => BitmapWords.Read(new CheckedFile(File, Name), Layout);

    /// <summary>Closes the file.</summary>
    public void Dispose() => File.Dispose();
}
