using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Live;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Devices;

/// <summary>
/// An open, validated cowfile: header block, bitmap and file. Opening makes every check of specification 4.4 steps
/// 15-23, with defects 6.18-6.20 done right, and sees that the base is the one of the extension record. Until all is known to be good nothing changes.
/// </summary>
public sealed class Cowfile : IDisposable
{
    private const int UnfinishedChunkBytes = 4096;

    private readonly byte[] _headerBlock;
    private CowHeader _header;
    private ExtensionRecord? _record;

    private Cowfile(IBlockFile file, CowHeader header, ExtensionRecord? record, byte[] headerBlock, CowLayout layout, Bitmap bitmap)
    {
        File = file;
        _header = header;
        _record = record;
        _headerBlock = headerBlock;
        Layout = layout;
        Bitmap = bitmap;
    }

    /// <summary>The file; owned.</summary>
    public IBlockFile File { get; }

    /// <summary>Where things lie in the file.</summary>
    public CowLayout Layout { get; }

    /// <summary>Which blocks the file holds; owned.</summary>
    public Bitmap Bitmap { get; }

    /// <summary>True when nothing of it is to be found again: it has neither header nor bitmap in the file.</summary>
    public bool IsVolatile { get; private init; }

    /// <summary>True when it was made by this opening: nobody else can have left data that is not durable.</summary>
    public bool IsNew { get; private init; }

    /// <summary>What was repaired when it was opened; null when it was clean.</summary>
    public RepairReport? Repaired { get; private init; }

    /// <summary>The header as last written or as found, or as it is to be written next.</summary>
    public CowHeader Header => _header;

    /// <summary>The extension record as last written, or as found; null when the file has none.</summary>
    public ExtensionRecord? Record => _record;

    /// <summary>
    /// Opens the cowfile that belongs to a base. A file of length 0 is a new one and is initialised; when that fails its
    /// length is 0 again. A dirty file whose bitmap decides, or that bits were kept for, is repaired.
    /// </summary>
    /// <param name="file">The file, locked by the caller. The result owns it; after an exception it is still the caller's.</param>
    /// <param name="path">Its name, for messages.</param>
    /// <param name="image">The base.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CowloopException">The file is damaged, belongs to another base, or can't be read or initialised.</exception>
    public static Cowfile Open(IBlockFile file, string path, BaseImage image, CowfileOptions options)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        CowLayout layout = LayoutOfNew(image, options);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header;
        ExtensionRecord? record = null;
        RepairReport? repaired = null;
        bool isRecordNew = false;
        long lengthBytes = file.LengthBytes;
        bool isNew = lengthBytes == 0 || IsUnfinished(file, layout);
        if (isNew)
        {
            Parentage.RequireWhole(image.Top);
            header = CowHeader.ForNewFile(layout, image.Fingerprint);
            bool isLarger = layout.BlockCount > image.LengthBytes / CowLayout.BlockSize;
            if (options.NewId is Guid id)
            {
                header = header with { Flags = CowFlags.BitmapDecides, Version = CowHeader.VersionFor(layout, isLarger) };
                record = BaseGuard.Describe(image, id, options.VerifyBase, options.ParentPath) with { IsLargerThanBase = isLarger };
            }
            else if (isLarger)
            {
                throw new CowloopException(
                    Errno.EINVAL,
                    $"a plain cowfile {path} cannot be larger than its rdofile: the original knows no such format",
                    "leave --plain out");
            }
            else if (header.Version != CowHeader.ClassicVersion)
            {
                throw new CowloopException(
                    Errno.EINVAL,
                    $"a plain cowfile {path} cannot be for a device of {layout.DeviceBytes} bytes: the original knows at most "
                    + $"{CowLayout.MaxClassicBlockCount * CowLayout.BlockSize}",
                    "leave --plain out");
            }
            Initialise(file, path, layout, header, record, headerBlock);
        }
        else
        {
            header = ReadHeader(file, path, lengthBytes, headerBlock);
            // What was kept for a dirty file leaves nothing to be guessed.
            bool isDirty = header.Flags.HasFlag(CowFlags.Dirty);
            KeptBits? kept = isDirty ? options.FindKeptBits?.Invoke(headerBlock) : null;
            if (isDirty && !options.Repair && kept is null && !header.Flags.HasFlag(CowFlags.BitmapDecides))
            {
                throw IsDirty(path);
            }
            header = header.HasConsistentLayout ? header : throw Damaged(path, "has a damaged header");
            record = CowfileChecks.DecodeRecord(headerBlock, path);
            if (record?.IsSealed == true)
            {
                throw IsSealed(path);
            }
            BaseGuard.RequireRelated(header, record, path, image);
            layout = new CowLayout((long)header.BlockCount);
            if (options.DeviceBytes is long wantedBytes && wantedBytes != layout.DeviceBytes)
            {
                throw new CowloopException(
                    Errno.EINVAL,
                    $"cowfile {path} was made for a device of {layout.DeviceBytes} bytes, not of {wantedBytes}",
                    "a size can be given only when a cowfile is made");
            }
            Parentage.Require(record, path, image.Top);
            if (lengthBytes < layout.EmptyLengthBytes)
            {
                throw Damaged(path, $"is incomplete: {lengthBytes} bytes, but header and bitmap alone take {layout.EmptyLengthBytes}");
            }
            if (record is not null)
            {
                ExtensionRecord wanted = BaseGuard.Check(record, path, image, header.Fingerprint != image.Fingerprint, options);
                isRecordNew = wanted != record || header.Fingerprint != image.Fingerprint;
                record = wanted;
            }
            if (isDirty)
            {
                repaired = Repair(file, path, header, kept);
                header = ReadHeader(file, path, file.LengthBytes, headerBlock);
            }
        }

        var bitmap = new Bitmap(layout, options.AllocateZeroedWords);
        try
        {
            Errno errno = bitmap.Load(file);
            if (errno != Errno.None)
            {
                throw new CowloopException(Errno.EINVAL, $"bitmap of cowfile {path} cannot be read: {errno.Text()}");
            }
            CheckBitmap(bitmap, header, path, layout, file.LengthBytes);
            var cowfile = new Cowfile(file, header, record, headerBlock, layout, bitmap) { IsNew = isNew, Repaired = repaired };
            if (isRecordNew)
            {
                cowfile.Refresh(path, image.Fingerprint);
            }
            return cowfile;
        }
        catch
        {
            bitmap.Dispose();
            throw;
        }
    }

    /// <summary>Layout of a cowfile that is made new.</summary>
    /// <param name="image">What it lies on.</param>
    /// <param name="options">The size, when it is to be larger than what lies below.</param>
    /// <exception cref="CowloopException">It would be smaller.</exception>
    public static CowLayout LayoutOfNew(BaseImage image, CowfileOptions options)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        if (options.DeviceBytes is not long deviceBytes)
        {
            return image.Layout;
        }
        return deviceBytes >= image.Layout.DeviceBytes
            ? new CowLayout(deviceBytes / CowLayout.BlockSize)
            : throw new CowloopException(
                Errno.EINVAL,
                $"a device of {deviceBytes} bytes is smaller than what it lies on: rdofile {image.Name} has {image.Layout.DeviceBytes}",
                "a device can be larger than its base, not smaller");
    }

    /// <summary>Makes a cowfile that nobody will open again: blocks are all that is in the file.</summary>
    /// <param name="file">An empty file that goes with its last opening; owned by the result, after an exception the caller's.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="image">What it lies on.</param>
    /// <param name="options">Memory, and the size when it is to be larger than what lies below.</param>
    /// <exception cref="CowloopException">The filesystem does not hold such a file.</exception>
    public static Cowfile CreateVolatile(IBlockFile file, string name, BaseImage image, CowfileOptions options)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        Parentage.RequireWhole(image.Top);
        CowLayout layout = LayoutOfNew(image, options);
        Errno errno = file.SetLength(layout.FullLengthBytes);
        return errno == Errno.None
            ? new Cowfile(file, CowHeader.ForNewFile(layout, image.Fingerprint), null, [], layout, new Bitmap(layout, options.AllocateZeroedWords))
            {
                IsVolatile = true,
            }
            : throw NotInitialised(errno, name, layout.FullLengthBytes);
    }

    /// <summary>
    /// Marks the header dirty, raises the generation if it must be, gives the file its full length, so that no later write or punch lengthens it, and
    /// sees to it that header and bitmap have their space, which a sparsely copied file may lack. The caller syncs.
    /// </summary>
    /// <param name="live">
    /// Keeps bits from now on; or null. It begins before the header is dirty, so whoever finds a dirty file finds what was kept for it.
    /// </param>
    /// <param name="raiseGeneration">False: it has been raised since the file was clean.</param>
    internal Errno MarkDirty(LiveBits? live, bool raiseGeneration)
    {
        // The full length is a hole, costs nothing, and spares every writer the race of lengthening the file.
        Errno errno = File.SetLength(Layout.FullLengthBytes);
        if (errno == Errno.None)
        {
            errno = AllocateHead(File, Layout);
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        CowFlags flags = _header.Flags | CowFlags.Dirty;
        // The original takes the flag away. From now on all the bits are ours again.
        return Write(_header with { Flags = _record is null ? flags : flags | CowFlags.BitmapDecides }, raiseGeneration ? NextRecord() : _record, live);
    }

    /// <summary>Raises the generation: what the file holds already is about to change. The caller syncs.</summary>
    /// <param name="live">Keeps bits for the dirty file; null for a clean one.</param>
    internal Errno RaiseGeneration(LiveBits? live) => Write(_header, NextRecord(), live);

    /// <summary>Marks the header clean and counts the blocks in it. Bitmap and data are durable already; the caller syncs.</summary>
    internal Errno MarkClean() => Write(
        _header with { Flags = _header.Flags & ~CowFlags.Dirty, UsedBlocks = (ulong)Bitmap.SetCount },
        _record,
        live: null);

    /// <summary>Seals a clean file: whoever opens it from now on does not write to it. The caller syncs.</summary>
    internal Errno MarkSealed() => Write(_header, _record! with { IsSealed = true }, live: null);

    /// <summary>Names another fingerprint of what lies below, from the next time on that the header is written.</summary>
    internal void SetFingerprint(uint fingerprint) => _header = _header with { Fingerprint = fingerprint };

    /// <summary>Names another parent. The caller syncs.</summary>
    /// <param name="parent">It.</param>
    /// <param name="live">Keeps bits for a dirty file; null for a clean one.</param>
    internal Errno MarkParent(ParentLink parent, LiveBits? live) => Write(_header, _record! with { Parent = parent }, live);

    /// <summary>Cuts the hole behind the last block, so that an inactive file has the length the original would give it.</summary>
    internal Errno TrimLength()
    {
        long lengthBytes = Layout.LengthBytesFor(Bitmap.HighestBlock);
        return File.LengthBytes > lengthBytes ? File.SetLength(lengthBytes) : Errno.None;
    }

    /// <summary>Closes the file as it is; nothing is flushed.</summary>
    public void Dispose()
    {
        Bitmap.Dispose();
        File.Dispose();
    }

    /// <summary>
    /// True for a file whose creation was cut short by a crash: it has the length of a new one, and nothing but zeros where the header structure, bitmap
    /// and data go. Nothing was ever promised about it.
    /// </summary>
    private static bool IsUnfinished(IBlockFile file, CowLayout layout)
    {
        long lengthBytes = file.LengthBytes;
        if (lengthBytes != layout.EmptyLengthBytes && lengthBytes != layout.FullLengthBytes)
        {
            return false;
        }
        byte[] chunk = new byte[UnfinishedChunkBytes];
        for (long offsetBytes = 0; offsetBytes < lengthBytes;)
        {
            if (file.NextData(offsetBytes, out offsetBytes, out long endBytes) != Errno.None)
            {
                return false;
            }
            Span<byte> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, Math.Min(endBytes, lengthBytes) - offsetBytes));
            if (part.IsEmpty)
            {
                return true;
            }
            if (file.ReadAt(offsetBytes, part) != Errno.None)
            {
                return false;
            }
            // The record may have landed alone.
            int recordStart = (int)Math.Clamp(ExtensionRecord.OffsetBytes - offsetBytes, 0, part.Length);
            int recordEnd = (int)Math.Clamp(CowLayout.BlockSize - offsetBytes, 0, part.Length);
            part[recordStart..recordEnd].Clear();
            if (part.ContainsAnyExcept((byte)0))
            {
                return false;
            }
            offsetBytes += part.Length;
        }
        return true;
    }

    private static void Initialise(IBlockFile file, string path, CowLayout layout, CowHeader header, ExtensionRecord? record, byte[] headerBlock)
    {
        // Blocks lie at their own offset, so a filesystem that can't hold the full length is found out now, not at some later write.
        Errno errno = file.SetLength(layout.FullLengthBytes);
        if (errno != Errno.None)
        {
            throw Undone(errno, layout.FullLengthBytes);
        }
        errno = file.SetLength(layout.EmptyLengthBytes);
        if (errno == Errno.None)
        {
            errno = AllocateHead(file, layout);
        }
        if (errno == Errno.None)
        {
            header.Encode(headerBlock);
            record?.Encode(headerBlock);
            errno = file.WriteAt(0, headerBlock);
        }
        if (errno == Errno.None)
        {
            errno = file.SyncOrNoSpace();
        }
        if (errno != Errno.None)
        {
            throw Undone(errno, layout.EmptyLengthBytes);
        }

        CowloopException Undone(Errno cause, long lengthBytes)
        {
            // Best effort: the cause is what the user needs to hear.
            _ = file.SetLength(0);
            return NotInitialised(cause, path, lengthBytes);
        }
    }

    private static CowloopException NotInitialised(Errno cause, string path, long lengthBytes)
    {
        string hint = cause switch
        {
            Errno.ENOSPC or Errno.EDQUOT => "free some space there, or put the cowfile on another filesystem",
            Errno.EFBIG => "put the cowfile on a filesystem that holds large sparse files",
            _ => "check the filesystem that the cowfile is on",
        };
        return new CowloopException(Errno.EINVAL, $"cannot set cowfile {path} to size {lengthBytes}: {cause.Text()}", hint);
    }

    /// <summary>Flushing header and bitmap must never meet a full disk (specification 7.1, W9). Some filesystems can't promise that.</summary>
    private static Errno AllocateHead(IBlockFile file, CowLayout layout)
    {
        Errno errno = file.Allocate(0, layout.EmptyLengthBytes);
        return errno == Errno.EOPNOTSUPP ? Errno.None : errno;
    }

    private static CowHeader ReadHeader(IBlockFile file, string path, long lengthBytes, byte[] headerBlock)
    {
        if (lengthBytes < CowLayout.BlockSize)
        {
            throw new CowloopException(Errno.EINVAL, $"existing cowfile {path} too small", "name a cowfile, or a file that does not exist yet");
        }
        Errno errno = file.ReadAt(0, headerBlock);
        if (errno != Errno.None)
        {
            throw new CowloopException(Errno.EINVAL, $"header of cowfile {path} cannot be read: {errno.Text()}");
        }
        CowHeader header = CowHeader.Decode(headerBlock)
            ?? throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {path} has incorrect format",
                "it is no cowfile; name one, or a file that does not exist yet");
        if (header.Version > CowHeader.NewestVersion)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {path} newer than this driver",
                $"its header has version {header.Version}, known is up to {CowHeader.NewestVersion}");
        }
        if (!header.HasKnownVersion)
        {
            throw Damaged(path, $"has header version {header.Version}, which does not exist");
        }
        if (header.Flags.HasFlag(CowFlags.Packed))
        {
            throw new CowloopException(Errno.EINVAL, $"packed cowfile {path} not accepted", $"unpack it first: cowpack -u {ShellWord.ForPath(path)} NEWFILE");
        }
        return header;
    }

    private static CowloopException IsDirty(string path) => new(
        Errno.EINVAL,
        $"cowfile {path} is dirty (not properly closed by rmmod?)",
        $"run: cowrepair {ShellWord.ForPath(path)}");

    private static CowloopException IsSealed(string path) => new(
        Errno.EROFS,
        $"cowfile {path} is sealed: it is a layer that others may lie on, and is never written again",
        $"add a new top: cowloop attach BASE --layer {ShellWord.ForPath(path)} NEW.cow; or look at it: "
        + $"cowloop attach --read-only BASE {ShellWord.ForPath(path)}");

    /// <summary>Whatever keeps a repair from being done is a refusal of the file, as every other one.</summary>
    private static RepairReport Repair(IBlockFile file, string path, CowHeader header, KeptBits? kept)
    {
        try
        {
            return Repairer.Run(new CheckedFile(file, path), header, new RepairOptions { Modify = true, Kept = kept }, NobodyWatches.Instance);
        }
        catch (CowloopException exception)
        {
            throw new CowloopException(Errno.EINVAL, exception.Message, exception.Hint) { Fault = exception.Fault };
        }
    }

    private static void CheckBitmap(Bitmap bitmap, CowHeader header, string path, CowLayout layout, long lengthBytes)
    {
        if (bitmap.HighestBlock >= layout.BlockCount)
        {
            throw Damaged(path, $"marks block {bitmap.HighestBlock}, but the rdofile ends with block {layout.BlockCount - 1}");
        }
        if ((ulong)bitmap.SetCount != header.UsedBlocks)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"inconsistent cowfile admi: {path} counts {header.UsedBlocks} blocks in its header and {bitmap.SetCount} in its bitmap",
                $"cowrepair -f {ShellWord.ForPath(path)} counts them again");
        }
        if (lengthBytes < layout.LengthBytesFor(bitmap.HighestBlock))
        {
            throw Damaged(path, $"is incomplete: {lengthBytes} bytes, but its last block ends at {layout.LengthBytesFor(bitmap.HighestBlock)}");
        }
    }

    private static CowloopException Damaged(string path, string how) =>
        new(Errno.EINVAL, $"cowfile {path} {how}", "restore it from a copy");

    private ExtensionRecord? NextRecord() => _record is null ? null : _record with { Generation = _record.Generation + 1, Merged = null };

    /// <summary>Writes down what is new about the base, durably. Either sector may land alone: the record describes the base, and so does the header.</summary>
    private void Refresh(string path, uint fingerprint)
    {
        Errno errno = Write(_header with { Fingerprint = fingerprint }, _record, live: null);
        if (errno == Errno.None)
        {
            errno = File.SyncOrNoSpace();
        }
        if (errno != Errno.None)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"header of cowfile {path} cannot be written: {errno.Text()}",
                "check the filesystem that the cowfile is on");
        }
    }

    private Errno Write(CowHeader header, ExtensionRecord? record, LiveBits? live)
    {
        header.Encode(_headerBlock);
        record?.Encode(_headerBlock);
        live?.Begin(_headerBlock);
        Errno errno = File.WriteAt(0, _headerBlock);
        if (errno == Errno.None)
        {
            _header = header;
            _record = record;
        }
        return errno;
    }
}
