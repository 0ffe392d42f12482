using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// A cowfile at rest whose header and record are being changed. Both sectors are written at once and synced, but a loss of power may keep one of them
/// only: callers change one at a time, or see to it that either alone is safe.
/// </summary>
internal sealed class CowfileEdit
{
    private readonly byte[] _headerBlock = new byte[CowLayout.BlockSize];

    /// <summary>Reads header and record; nothing but them is verified.</summary>
    /// <param name="file">The cowfile; nobody else writes to it.</param>
    /// <exception cref="CowloopException">It is no unpacked cowfile of a known version, or its record is damaged.</exception>
    public CowfileEdit(CheckedFile file)
    {
        File = file;
        Header = CowfileChecks.ReadHeader(file, _headerBlock);
        CowfileChecks.RequireKnownVersion(Header, file.Name);
        CowfileChecks.RequireUnpacked(Header, file.Name);
        Layout = CowfileChecks.RequireLayout(Header, file.Name);
        CowfileChecks.RequireBitmap(file, Layout);
        Record = CowfileChecks.DecodeRecord(_headerBlock, file.Name);
    }

    /// <summary>The file; not owned.</summary>
    public CheckedFile File { get; }

    /// <summary>Where things lie in it.</summary>
    public CowLayout Layout { get; }

    /// <summary>The header as last written, or as found.</summary>
    public CowHeader Header { get; private set; }

    /// <summary>The record as last written, or as found; null for a plain file.</summary>
    public ExtensionRecord? Record { get; private set; }

    /// <summary>True while there may be more in the file than its bitmap shows.</summary>
    public bool IsDirty => Header.Flags.HasFlag(CowFlags.Dirty);

    /// <summary>Verifies that the file is clean, and sound (see <see cref="CowfileChecks.RequireSound"/>).</summary>
    /// <returns>What it holds.</returns>
    /// <exception cref="CowloopException">It is not.</exception>
    public CowContents RequireSound()
    {
        CowfileChecks.RequireClean(Header, File.Name);
        return CowfileChecks.RequireSound(File, Header, Layout);
    }

    /// <summary>The file as a layer that others lie on. Not to be disposed: the file is the caller's.</summary>
    public Layer ToLayer() => new(File.File, File.Name, Layout, Record);

    /// <summary>Writes header and record, durably, together with all that was written before.</summary>
    /// <exception cref="CowloopException">They can't be written; either may have been.</exception>
    public void Write(CowHeader header, ExtensionRecord? record)
    {
        header.Encode(_headerBlock);
        record?.Encode(_headerBlock);
        File.Write(0, _headerBlock, Fault.WriteHeader);
        File.Sync(Fault.WriteHeader);
        Header = header;
        Record = record;
    }

    /// <summary>
    /// Marks the file dirty, durably, and as one whose bitmap decides, whatever it was: so a repair takes out what has no bit, and adopts nothing. It gets
    /// its full length, and header and bitmap their space.
    /// </summary>
    /// <exception cref="CowloopException">That can't be done.</exception>
    public void MarkDirty()
    {
        // Also when it looks so: what was found may be in memory only.
        File.SetLength(Layout.FullLengthBytes, Fault.WriteData);
        File.Reserve(0, Layout.EmptyLengthBytes, Fault.WriteBitmap);
        Write(Header with { Flags = Header.Flags | CowFlags.Dirty | CowFlags.BitmapDecides }, Record);
    }

    /// <summary>Counts the blocks, cuts the hole behind the last one, makes all that was written durable, and then marks the file clean, durably.</summary>
    /// <returns>What the file holds.</returns>
    /// <exception cref="CowloopException">That can't be done.</exception>
    public CowContents MarkClean()
    {
        CowContents contents = CowfileChecks.Count(File, Layout);
        long lengthBytes = Layout.LengthBytesFor(contents.HighestBlock);
        if (File.LengthBytes > lengthBytes)
        {
            File.SetLength(lengthBytes, Fault.WriteData);
        }
        File.Sync(Fault.WriteData);
        // Without a record this is a file of the original's kind again.
        CowFlags cleared = Record is null ? CowFlags.Dirty | CowFlags.BitmapDecides : CowFlags.Dirty;
        Write(Header with { Flags = Header.Flags & ~cleared, UsedBlocks = (ulong)contents.UsedBlocks }, Record);
        return contents;
    }
}
