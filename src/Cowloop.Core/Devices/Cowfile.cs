using System.Buffers;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Devices;

/// <summary>
/// An open, validated cowfile: header block, bitmap and file. Opening makes every check of specification 4.4 steps
/// 15-23, with defects 6.18-6.20 done right; it changes nothing in a file that has a length.
/// </summary>
public sealed class Cowfile : IDisposable
{
    private readonly byte[] _headerBlock;
    private CowHeader _header;

    private Cowfile(IBlockFile file, CowHeader header, byte[] headerBlock, CowLayout layout, Bitmap bitmap)
    {
        File = file;
        _header = header;
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

    /// <summary>What was repaired when it was opened; null when it was clean.</summary>
    public RepairReport? Repaired { get; private init; }

    /// <summary>The header as last written, or as found.</summary>
    public CowHeader Header => _header;

    /// <summary>
    /// Opens the cowfile that belongs to a base. A file of length 0 is a new one and is initialised; when that fails its
    /// length is 0 again.
    /// </summary>
    /// <param name="file">The file, locked by the caller. The result owns it; after an exception it is still the caller's.</param>
    /// <param name="path">Its name, for messages.</param>
    /// <param name="layout">The layout that the base demands.</param>
    /// <param name="fingerprint">The base's fingerprint.</param>
    /// <param name="allocateZeroedWords">Memory for the bitmap; see <see cref="Bitmap"/>.</param>
    /// <param name="repair">Repairs a dirty file that belongs to the base; otherwise it is refused.</param>
    /// <exception cref="CowloopException">The file is damaged, belongs to another base, or can't be read or initialised.</exception>
    public static Cowfile Open(
        IBlockFile file,
        string path,
        CowLayout layout,
        uint fingerprint,
        Func<int, IMemoryOwner<ulong>> allocateZeroedWords,
        bool repair = false)
    {
        ArgumentNullException.ThrowIfNull(file);
        long lengthBytes = file.LengthBytes;
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header;
        RepairReport? repaired = null;
        if (lengthBytes == 0)
        {
            header = CowHeader.ForNewFile(layout, fingerprint);
            Initialise(file, path, layout, header, headerBlock);
        }
        else
        {
            header = ReadHeader(file, path, lengthBytes, headerBlock, mayBeDirty: repair);
            CheckBelongsTo(header, path, layout, fingerprint);
            if (lengthBytes < layout.EmptyLengthBytes)
            {
                throw Damaged(path, $"is incomplete: {lengthBytes} bytes, but header and bitmap alone take {layout.EmptyLengthBytes}");
            }
            if (header.Flags.HasFlag(CowFlags.Dirty))
            {
                repaired = Repair(file, path, header);
                header = ReadHeader(file, path, file.LengthBytes, headerBlock, mayBeDirty: false);
            }
        }

        var bitmap = new Bitmap(layout, allocateZeroedWords);
        try
        {
            Errno errno = bitmap.Load(file);
            if (errno != Errno.None)
            {
                throw new CowloopException(Errno.EINVAL, $"bitmap of cowfile {path} cannot be read: {errno.Text()}");
            }
            CheckBitmap(bitmap, header, path, layout, file.LengthBytes);
            return new Cowfile(file, header, headerBlock, layout, bitmap) { Repaired = repaired };
        }
        catch
        {
            bitmap.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Marks the header dirty, gives the file its full length, so that no later write or punch lengthens it, and sees to it that header
    /// and bitmap have their space, which a sparsely copied file may lack. The caller syncs.
    /// </summary>
    internal Errno MarkDirty()
    {
        // The full length is a hole, costs nothing, and spares every writer the race of lengthening the file.
        Errno errno = File.SetLength(Layout.FullLengthBytes);
        if (errno == Errno.None)
        {
            errno = AllocateHead(File, Layout);
        }
        return errno == Errno.None ? WriteHeader(_header with { Flags = _header.Flags | CowFlags.Dirty }) : errno;
    }

    /// <summary>Marks the header clean and counts the blocks in it. Bitmap and data are durable already; the caller syncs.</summary>
    internal Errno MarkClean() => WriteHeader(_header with
    {
        Flags = _header.Flags & ~CowFlags.Dirty,
        UsedBlocks = (ulong)Bitmap.SetCount,
    });

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

    private static void Initialise(IBlockFile file, string path, CowLayout layout, CowHeader header, byte[] headerBlock)
    {
        // Blocks lie at their own offset, so a filesystem that can't hold the full length is found out now, not at some later write.
        Errno errno = file.SetLength(layout.FullLengthBytes);
        if (errno != Errno.None)
        {
            throw NotInitialised(errno, layout.FullLengthBytes);
        }
        errno = file.SetLength(layout.EmptyLengthBytes);
        if (errno == Errno.None)
        {
            errno = AllocateHead(file, layout);
        }
        if (errno == Errno.None)
        {
            header.Encode(headerBlock);
            errno = file.WriteAt(0, headerBlock);
        }
        if (errno == Errno.None)
        {
            errno = file.Sync();
        }
        if (errno != Errno.None)
        {
            throw NotInitialised(errno, layout.EmptyLengthBytes);
        }

        CowloopException NotInitialised(Errno cause, long lengthBytes)
        {
            // Best effort: the cause is what the user needs to hear.
            _ = file.SetLength(0);
            string hint = cause switch
            {
                Errno.ENOSPC => "free some space there, or put the cowfile on another filesystem",
                Errno.EFBIG => "put the cowfile on a filesystem that holds large sparse files",
                _ => "check the filesystem that the cowfile is on",
            };
            return new CowloopException(Errno.EINVAL, $"cannot set cowfile {path} to size {lengthBytes}: {cause.Text()}", hint);
        }
    }

    /// <summary>Flushing header and bitmap must never meet a full disk (specification 7.1, W9). Some filesystems can't promise that.</summary>
    private static Errno AllocateHead(IBlockFile file, CowLayout layout)
    {
        Errno errno = file.Allocate(0, layout.EmptyLengthBytes);
        return errno == Errno.EOPNOTSUPP ? Errno.None : errno;
    }

    private static CowHeader ReadHeader(IBlockFile file, string path, long lengthBytes, byte[] headerBlock, bool mayBeDirty)
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
        if (header.Version > CowHeader.SupportedVersion)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {path} newer than this driver",
                $"its header has version {header.Version}, known is {CowHeader.SupportedVersion}");
        }
        if (header.Version != CowHeader.SupportedVersion)
        {
            throw Damaged(path, $"has header version {header.Version}, which does not exist");
        }
        if (header.Flags.HasFlag(CowFlags.Packed))
        {
            throw new CowloopException(Errno.EINVAL, $"packed cowfile {path} not accepted", $"unpack it first: cowpack -u {ShellWord.ForPath(path)} NEWFILE");
        }
        if (header.Flags.HasFlag(CowFlags.Dirty) && !mayBeDirty)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {path} is dirty (not properly closed by rmmod?)",
                $"run: cowrepair {ShellWord.ForPath(path)}");
        }
        return header.HasConsistentLayout ? header : throw Damaged(path, "has a damaged header");
    }

    /// <summary>Whatever keeps a repair from being done is a refusal of the file, as every other one.</summary>
    private static RepairReport Repair(IBlockFile file, string path, CowHeader header)
    {
        try
        {
            return Repairer.Run(new CheckedFile(file, path), header, modify: true, null, NobodyWatches.Instance);
        }
        catch (CowloopException exception)
        {
            throw new CowloopException(Errno.EINVAL, exception.Message, exception.Hint) { Fault = exception.Fault };
        }
    }

    private static void CheckBelongsTo(CowHeader header, string path, CowLayout layout, uint fingerprint)
    {
        if (header.BlockCount != (ulong)layout.BlockCount)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {path} (size {header.BlockCount * CowLayout.BlockSize}) not related to rdofile (size {layout.DeviceBytes})",
                "name the rdofile that this cowfile was made for");
        }
        if (header.Fingerprint != fingerprint)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {path} not related to rdofile  (fingerprint err - rdofile modified?)",
                "name the rdofile that this cowfile was made for, unchanged");
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

    private Errno WriteHeader(CowHeader header)
    {
        header.Encode(_headerBlock);
        Errno errno = File.WriteAt(0, _headerBlock);
        if (errno == Errno.None)
        {
            _header = header;
        }
        return errno;
    }
}
