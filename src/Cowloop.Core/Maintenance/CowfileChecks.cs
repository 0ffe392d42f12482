using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>What a cowfile's bitmap adds up to.</summary>
/// <param name="UsedBlocks">Number of blocks that the file holds.</param>
/// <param name="HighestBlock">The highest of them; -1 when there is none.</param>
public readonly record struct CowContents(long UsedBlocks, long HighestBlock);

/// <summary>The checks that the tools make of a cowfile at rest; each tool has its own order of them (specification 5.6-5.9).</summary>
public static class CowfileChecks
{
    /// <summary>Reads the header of any variant.</summary>
    /// <param name="file">The cowfile.</param>
    /// <param name="headerBlock">Gets the header block, 1024 bytes, as far as the file reaches; the rest is zeros. Owned by the caller.</param>
    /// <exception cref="CowloopException">The file is shorter than a header, or has no magic.</exception>
    public static CowHeader ReadHeader(CheckedFile file, Span<byte> headerBlock)
    {
        ArgumentNullException.ThrowIfNull(file);
        headerBlock.Clear();
        int lengthBytes = (int)Math.Min(file.LengthBytes, headerBlock.Length);
        file.Read(0, headerBlock[..lengthBytes], Fault.ReadHeader);
        return DecodeHeader(headerBlock[..lengthBytes], file.Name);
    }

    /// <summary>Decodes the start of a cowfile, or of a packed stream.</summary>
    /// <exception cref="CowloopException">It is shorter than a header, or has no magic.</exception>
    public static CowHeader DecodeHeader(ReadOnlySpan<byte> start, string name)
    {
        Span<byte> padded = stackalloc byte[HeaderVariant.Default.StructSize];
        padded.Clear();
        start[..Math.Min(start.Length, padded.Length)].CopyTo(padded);
        CowHeader? header = CowHeader.Decode(padded);
        if (start.Length < (header?.Variant ?? HeaderVariant.Default).StructSize)
        {
            throw Refused(Errno.None, Fault.ReadHeader, $"{name} is too short to be a cowfile: {start.Length} bytes", "name a cowfile");
        }
        return header ?? throw NoCowfile(start, name);
    }

    /// <summary>The refusal of a file without a cowfile's magic; its hint knows compressed ones.</summary>
    /// <param name="start">The first bytes of the file.</param>
    /// <param name="name">As the user named it.</param>
    public static CowloopException NoCowfile(ReadOnlySpan<byte> start, string name) =>
        Refused(Errno.EINVAL, Fault.WrongMagic, $"{name} is no cowfile", HintFor(start, name));

    /// <summary>Reads the extension record.</summary>
    /// <param name="file">The cowfile.</param>
    /// <returns>Null when there is none.</returns>
    /// <exception cref="CowloopException">It is damaged, or newer than this program.</exception>
    public static ExtensionRecord? ReadRecord(CheckedFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        file.Read(0, headerBlock, Fault.ReadHeader);
        return DecodeRecord(headerBlock, file.Name);
    }

    /// <inheritdoc cref="ReadRecord"/>
    /// <param name="headerBlock">The header block, 1024 bytes.</param>
    /// <param name="name">As the user named the cowfile.</param>
    public static ExtensionRecord? DecodeRecord(ReadOnlySpan<byte> headerBlock, string name) =>
        ExtensionRecord.TryDecode(headerBlock, out ExtensionRecord? record) switch
        {
            RecordState.Damaged => throw Refused(
                Errno.EINVAL,
                Fault.Damaged,
                $"cowfile {name} has a damaged extension record",
                $"restore it from a copy, or run: cowrepair -f {ShellWord.ForPath(name)} "
                + "(takes the record out; the base is then known by its fingerprint only)"),
            RecordState.Newer => throw Refused(
                Errno.EINVAL,
                Fault.WrongVersion,
                $"cowfile {name} newer than this driver",
                "its extension record asks for a newer cowloop"),
            _ => record,
        };

    /// <summary>True when a base is as long and holds the same as when the record was made, as far as its samples tell.</summary>
    internal static bool IsUnchanged(ExtensionRecord record, CheckedFile baseFile) =>
        record.BaseLengthBytes == baseFile.LengthBytes && record.BaseIdentity == BaseIdentity.Compute(baseFile.File, baseFile.LengthBytes);

    /// <summary>Refuses a version that is not known.</summary>
    /// <exception cref="CowloopException">It is another.</exception>
    public static void RequireKnownVersion(CowHeader header, string name)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (!header.HasKnownVersion)
        {
            throw Refused(
                Errno.EINVAL,
                Fault.WrongVersion,
                $"cowfile {name} has header version {header.Version}, known is up to {CowHeader.NewestVersion}",
                header.Version > CowHeader.NewestVersion ? "use a newer cowloop" : "restore it from a copy");
        }
    }

    /// <summary>Refuses a packed file.</summary>
    /// <exception cref="CowloopException">It is packed.</exception>
    public static void RequireUnpacked(CowHeader header, string name)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (header.Flags.HasFlag(CowFlags.Packed))
        {
            throw Refused(Errno.EINVAL, Fault.Packed, $"cowfile {name} is packed", $"unpack it first: cowpack -u {ShellWord.ForPath(name)} NEWFILE");
        }
    }

    /// <summary>Refuses a dirty file.</summary>
    /// <exception cref="CowloopException">It is dirty.</exception>
    public static void RequireClean(CowHeader header, string name)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (header.Flags.HasFlag(CowFlags.Dirty))
        {
            (string reason, string hint) = header.Flags.HasFlag(CowFlags.Packed)
                ? ($"packed cowfile {name} is dirty, which no cowpack makes it", "pack the original again")
                : ($"cowfile {name} is dirty: it may hold more than its bitmap shows", $"run: cowrepair {ShellWord.ForPath(name)}");
            throw Refused(Errno.EINVAL, Fault.Dirty, reason, hint);
        }
    }

    /// <summary>Gives the layout that the header describes.</summary>
    /// <exception cref="CowloopException">Its fields contradict each other.</exception>
    public static CowLayout RequireLayout(CowHeader header, string name)
    {
        ArgumentNullException.ThrowIfNull(header);
        return header.HasConsistentLayout
            ? new CowLayout((long)header.BlockCount)
            : throw Damaged(name, "has a damaged header");
    }

    /// <summary>Verifies that bitmap, header and length of a clean, unpacked file belong together (specification 7.1, W5 and W6).</summary>
    /// <exception cref="CowloopException">They do not.</exception>
    public static CowContents RequireSound(CheckedFile file, CowHeader header, CowLayout layout)
    {
        ArgumentNullException.ThrowIfNull(header);
        CowContents contents = Count(file, layout);
        if ((ulong)contents.UsedBlocks != header.UsedBlocks)
        {
            throw Refused(
                Errno.EINVAL,
                Fault.Damaged,
                $"cowfile {file.Name} counts {header.UsedBlocks} blocks in its header and {contents.UsedBlocks} in its bitmap",
                $"cowrepair -f {ShellWord.ForPath(file.Name)} counts them again");
        }
        RequireComplete(file, layout, contents);
        return contents;
    }

    /// <summary>Counts the 1-bits.</summary>
    /// <exception cref="CowloopException">The bitmap can't be read, or marks blocks that the base does not have.</exception>
    public static CowContents Count(CheckedFile file, CowLayout layout)
    {
        ArgumentNullException.ThrowIfNull(file);
        RequireBitmap(file, layout);
        long usedBlocks = 0;
        long highestBlock = -1;
        foreach (BlockRun run in CowRuns.Read(file, layout))
        {
            usedBlocks += run.BlockCount;
            highestBlock = run.EndBlock - 1;
        }
        return highestBlock < layout.BlockCount
            ? new CowContents(usedBlocks, highestBlock)
            : throw Damaged(file.Name, $"marks block {highestBlock}, but the rdofile ends with block {layout.BlockCount - 1}");
    }

    /// <summary>Refuses a file that ends within its bitmap.</summary>
    /// <exception cref="CowloopException">It does.</exception>
    public static void RequireBitmap(CheckedFile file, CowLayout layout)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.LengthBytes < layout.EmptyLengthBytes)
        {
            throw Refused(
                Errno.None,
                Fault.ReadBitmap,
                $"cowfile {file.Name} is incomplete: {file.LengthBytes} bytes, but header and bitmap alone take {layout.EmptyLengthBytes}",
                "restore it from a copy");
        }
    }

    /// <summary>Refuses a file that ends before its last block.</summary>
    /// <exception cref="CowloopException">It does.</exception>
    public static void RequireComplete(CheckedFile file, CowLayout layout, CowContents contents)
    {
        ArgumentNullException.ThrowIfNull(file);
        long neededBytes = layout.LengthBytesFor(contents.HighestBlock);
        if (file.LengthBytes < neededBytes)
        {
            throw Refused(
                Errno.None,
                Fault.ReadData,
                $"cowfile {file.Name} is incomplete: {file.LengthBytes} bytes, but its last block ends at byte {neededBytes}",
                "restore it from a copy");
        }
    }

    /// <summary>The parts of a cowfile contradict each other.</summary>
    internal static CowloopException Damaged(string name, string how) =>
        Refused(Errno.EINVAL, Fault.Damaged, $"cowfile {name} {how}", "restore it from a copy");

    private static CowloopException Refused(Errno errno, Fault fault, string reason, string hint) => new(errno, reason, hint) { Fault = fault };

    private static string HintFor(ReadOnlySpan<byte> start, string name) => PackedEncodings.Recognise(start) switch
    {
        PackedEncoding.Gzip => $"it is compressed with gzip; if it is a packed cowfile: cowpack -zu {ShellWord.ForPath(name)} NEWFILE",
        PackedEncoding.Zstd => $"it is compressed with zstd; if it is a packed cowfile: cowpack --zstd -u {ShellWord.ForPath(name)} NEWFILE",
        _ => "name a cowfile",
    };
}
