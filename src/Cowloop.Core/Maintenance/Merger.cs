using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// Writes the blocks of a cowfile into its base (specification 5.9). Everything is verified before anything changes. What the fingerprint is made of is
/// written last, after all the rest is durable, so an interrupted merge can be told from a foreign base, and finished.
/// </summary>
public sealed class Merger
{
    private const int BufferBytes = 1 << 20;

    // Zeros in pieces smaller than this are not worth a hole.
    private const int HoleUnitBlocks = 4;

    private readonly CheckedFile _cowfile;
    private readonly CheckedFile _base;
    private readonly CowLayout _layout;
    private readonly long _windowBlockCount;

    private Merger(CheckedFile cowfile, CheckedFile baseFile, CowLayout layout, long windowBlockCount, CowContents contents)
    {
        _cowfile = cowfile;
        _base = baseFile;
        _layout = layout;
        _windowBlockCount = windowBlockCount;
        BlockCount = contents.UsedBlocks;
    }

    /// <summary>Blocks to be written.</summary>
    public long BlockCount { get; }

    /// <summary>Verifies that the two belong together and that the cowfile is sound.</summary>
    /// <param name="cowfile">The cowfile; nobody else writes to it.</param>
    /// <param name="header">Its header: version 1, not packed, not dirty.</param>
    /// <param name="baseFile">The base; nobody else uses it.</param>
    /// <param name="resume">Accept a base on which the merge of this cowfile was interrupted.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">They can't be merged; nothing has changed.</exception>
    public static Merger Prepare(CheckedFile cowfile, CowHeader header, CheckedFile baseFile, bool resume, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(baseFile);
        ArgumentNullException.ThrowIfNull(observer);
        CowLayout layout = CowfileChecks.RequireLayout(header, cowfile.Name);
        CowfileChecks.RequireBitmap(cowfile, layout);
        long baseBlockCount = baseFile.LengthBytes / CowLayout.BlockSize;
        uint fingerprint = BaseFingerprint.Compute(baseFile.File, baseBlockCount, out long windowBlockCount);
        bool isSameSize = baseBlockCount == layout.BlockCount;
        if (fingerprint != header.Fingerprint)
        {
            if (isSameSize)
            {
                observer.Begin("comparing", CowfileChecks.RequireSound(cowfile, header, layout).UsedBlocks * CowLayout.BlockSize);
            }
            bool isInterrupted = isSameSize && MergeResume.IsPossible(cowfile, header, layout, baseFile, observer);
            if (!isInterrupted || !resume)
            {
                throw Refused(
                    Fault.OtherBase,
                    $"{baseFile.Name} is not the rdofile that {cowfile.Name} was made for, or it has changed since",
                    isInterrupted
                        ? "if a merge of these two was interrupted, --resume finishes it: everything but the fingerprinted blocks is there already"
                        : "name the rdofile that this cowfile was made for, unchanged");
            }
            // Whatever the order, all that is written now is there already or belongs to the window.
            windowBlockCount = layout.BlockCount;
        }
        if (!isSameSize)
        {
            throw Refused(
                Fault.OtherSize,
                $"{baseFile.Name} has {baseBlockCount} blocks, and {cowfile.Name} was made for one with {layout.BlockCount}",
                "name the rdofile that this cowfile was made for");
        }
        CowContents contents = CowfileChecks.RequireSound(cowfile, header, layout);
        if (!resume && CowfileChecks.ReadRecord(cowfile) is ExtensionRecord record)
        {
            RequireSameContent(record, cowfile, baseFile);
        }
        return new Merger(cowfile, baseFile, layout, windowBlockCount, contents);
    }

    /// <summary>Writes the blocks; they are durable on return.</summary>
    /// <exception cref="CowloopException">A file can't be read or written; resuming finishes the merge.</exception>
    public void Run(IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("merging", BlockCount * CowLayout.BlockSize);
        byte[] buffer = new byte[BufferBytes];
        foreach (BlockRun run in CowRuns.Read(_cowfile, _layout))
        {
            Copy(Math.Max(run.FirstBlock, _windowBlockCount), run.EndBlock, buffer, observer);
        }
        _base.Sync(Fault.WriteData);
        foreach (BlockRun run in CowRuns.Read(_cowfile, _layout))
        {
            if (run.FirstBlock >= _windowBlockCount)
            {
                break;
            }
            Copy(run.FirstBlock, Math.Min(run.EndBlock, _windowBlockCount), buffer, observer);
        }
        _base.Sync(Fault.WriteData);
    }

    /// <summary>The fingerprint sees little. A merge that was interrupted before it came to the fingerprinted blocks has changed the rest already.</summary>
    private static void RequireSameContent(ExtensionRecord record, CheckedFile cowfile, CheckedFile baseFile)
    {
        if (!CowfileChecks.IsUnchanged(record, baseFile))
        {
            throw Refused(
                Fault.OtherBase,
                $"{baseFile.Name} has changed since {cowfile.Name} was made for it",
                "bring the unchanged rdofile back; or, if a merge of these two was interrupted, --resume finishes it");
        }
    }

    private static CowloopException Refused(Fault fault, string reason, string hint) => new(Errno.EINVAL, reason, hint) { Fault = fault };

    /// <summary>Copies blocks; holes of the cowfile become holes of the base, as far as it knows them.</summary>
    private void Copy(long block, long endBlock, byte[] buffer, IWorkObserver observer)
    {
        while (block < endBlock)
        {
            long storeBytes = _layout.DataOffsetBytes + block * CowLayout.BlockSize;
            (long startBytes, long endBytes) = _cowfile.NextData(storeBytes, Fault.ReadData);
            long holeBlocks = endBytes <= startBytes ? endBlock - block : (startBytes - storeBytes) / CowLayout.BlockSize;
            long count;
            if (holeBlocks > 0)
            {
                count = Math.Min(holeBlocks, endBlock - block);
                Clear(block, count, buffer, observer);
            }
            else
            {
                long dataBlocks = (endBytes - storeBytes + CowLayout.BlockSize - 1) / CowLayout.BlockSize;
                count = Math.Min(Math.Min(dataBlocks, BufferBytes / CowLayout.BlockSize), endBlock - block);
                Span<byte> data = buffer.AsSpan(0, (int)count * CowLayout.BlockSize);
                _cowfile.Read(storeBytes, data, Fault.ReadData);
                Store(block, data);
                observer.Advance(data.Length);
            }
            block += count;
        }
    }

    /// <summary>Writes data; zeros in it leave a hole that is there a hole.</summary>
    private void Store(long block, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int length = UnitLength(block, data);
            bool isZero = IsZero(data[..length]);
            while (length < data.Length)
            {
                int next = UnitLength(block + length / CowLayout.BlockSize, data[length..]);
                if (IsZero(data.Slice(length, next)) != isZero)
                {
                    break;
                }
                length += next;
            }
            if (!isZero || !IsHole(block, length))
            {
                _base.Write(block * CowLayout.BlockSize, data[..length], Fault.WriteData);
            }
            block += length / CowLayout.BlockSize;
            data = data[length..];
        }
    }

    /// <summary>Makes blocks zero that are a hole in the cowfile.</summary>
    private void Clear(long block, long count, byte[] buffer, IWorkObserver observer)
    {
        long lengthBytes = count * CowLayout.BlockSize;
        if (IsHole(block, lengthBytes) || _base.TryPunch(block * CowLayout.BlockSize, lengthBytes, Fault.WriteData))
        {
            observer.Advance(lengthBytes);
            return;
        }
        buffer.AsSpan().Clear();
        for (long doneBytes = 0; doneBytes < lengthBytes;)
        {
            int partBytes = (int)Math.Min(buffer.Length, lengthBytes - doneBytes);
            _base.Write(block * CowLayout.BlockSize + doneBytes, buffer.AsSpan(0, partBytes), Fault.WriteData);
            doneBytes += partBytes;
            observer.Advance(partBytes);
        }
    }

    private bool IsHole(long block, long lengthBytes)
    {
        long startBytes = block * CowLayout.BlockSize;
        (long dataBytes, long endBytes) = _base.NextData(startBytes, Fault.WriteData);
        return endBytes <= dataBytes || dataBytes >= startBytes + lengthBytes;
    }

    /// <summary>The bytes up to the next multiple of the hole unit.</summary>
    private static int UnitLength(long block, ReadOnlySpan<byte> data) =>
        Math.Min(data.Length, (int)(HoleUnitBlocks - block % HoleUnitBlocks) * CowLayout.BlockSize);

    private static bool IsZero(ReadOnlySpan<byte> data) => !data.ContainsAnyExcept((byte)0);
}
