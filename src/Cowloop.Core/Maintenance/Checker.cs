using Cowloop.Core.Devices;
using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>Something that is not as it should be in a cowfile.</summary>
/// <param name="Text">What it is.</param>
/// <param name="Hint">What to do about it, or null.</param>
public sealed record Problem(string Text, string? Hint);

/// <summary>Looks whether a cowfile is as it should be at rest (specification 7.1), and tells all that is not.</summary>
public static class Checker
{
    /// <summary>Checks a cowfile, and whether it belongs to a base.</summary>
    /// <param name="file">The cowfile; nobody writes to it.</param>
    /// <param name="baseFile">The base, or null.</param>
    /// <param name="observer">Who looks on.</param>
    /// <returns>What is wrong, the worst first; empty when all is well.</returns>
    /// <exception cref="CowloopException">A file can't be read.</exception>
    public static IReadOnlyList<Problem> Run(CheckedFile file, CheckedFile? baseFile, IWorkObserver observer)
    {
        return Run(file, CheckBase, observer);

        void CheckBase(CowHeader header, byte[] headerBlock, CowLayout layout, List<Problem> problems)
        {
            if (baseFile is not null)
            {
                Checker.CheckBase(header, headerBlock, layout, baseFile, problems);
            }
        }
    }

    /// <summary>Checks a cowfile that lies on layers, and whether it belongs there.</summary>
    /// <param name="file">The cowfile; nobody writes to it.</param>
    /// <param name="below">What it is to lie on.</param>
    /// <param name="observer">Who looks on.</param>
    /// <returns>What is wrong, the worst first; empty when all is well.</returns>
    /// <exception cref="CowloopException">A file can't be read.</exception>
    public static IReadOnlyList<Problem> RunOnLayers(CheckedFile file, BaseImage below, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(below);
        return Run(file, CheckBelow, observer);

        void CheckBelow(CowHeader header, byte[] headerBlock, CowLayout layout, List<Problem> problems)
        {
            _ = layout;
            try
            {
                ExtensionRecord? record = CowfileChecks.DecodeRecord(headerBlock, file.Name);
                BaseGuard.RequireBelow(header, record, file.Name, below, header.Fingerprint != below.Fingerprint, new BaseOptions());
            }
            catch (CowloopException exception) when (exception.Errno == Errno.EINVAL)
            {
                problems.Add(new Problem(exception.Message, exception.Hint));
            }
        }
    }

    private static List<Problem> Run(
        CheckedFile file,
        Action<CowHeader, byte[], CowLayout, List<Problem>> checkBelow,
        IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(observer);
        var problems = new List<Problem>();
        try
        {
            byte[] headerBlock = new byte[CowLayout.BlockSize];
            CowHeader header = CowfileChecks.ReadHeader(file, headerBlock);
            CowfileChecks.RequireKnownVersion(header, file.Name);
            CowfileChecks.RequireUnpacked(header, file.Name);
            CowLayout layout = CowfileChecks.RequireLayout(header, file.Name);
            checkBelow(header, headerBlock, layout, problems);
            CheckContents(file, header, layout, problems, observer);
        }
        catch (CowloopException exception) when (exception.Fault != Fault.None && exception.Errno is Errno.None or Errno.EINVAL)
        {
            // It can be looked at no further than this.
            problems.Insert(0, new Problem(exception.Message, exception.Hint));
        }
        return problems;
    }

    private static void CheckBase(CowHeader header, ReadOnlySpan<byte> headerBlock, CowLayout layout, CheckedFile baseFile, List<Problem> problems)
    {
        long blockCount = baseFile.LengthBytes / CowLayout.BlockSize;
        RecordState state = ExtensionRecord.TryDecode(headerBlock, out ExtensionRecord? record);
        bool mayBeLarger = header.Version == CowHeader.LargerVersion && record?.IsLargerThanBase == true;
        if (blockCount != layout.BlockCount && !(mayBeLarger && blockCount < layout.BlockCount))
        {
            problems.Add(new Problem($"{baseFile.Name} has {blockCount} blocks, and it was made for a base with {layout.BlockCount}", null));
        }
        else if (BaseFingerprint.Compute(baseFile.File, blockCount) != header.Fingerprint)
        {
            problems.Add(new Problem($"the fingerprint of {baseFile.Name} is not the one in its header", "name the base that it was made for, unchanged"));
        }
        else if (state == RecordState.Present && !CowfileChecks.IsUnchanged(record!, baseFile))
        {
            problems.Add(new Problem($"{baseFile.Name} has changed since it was made for it", "name the base that it was made for, unchanged"));
        }
    }

    private static void CheckContents(
        CheckedFile file,
        CowHeader header,
        CowLayout layout,
        List<Problem> problems,
        IWorkObserver observer)
    {
        bool isDirty = header.Flags.HasFlag(CowFlags.Dirty);
        string repair = $"run: cowrepair {(isDirty ? "" : "-f ")}{ShellWord.ForPath(file.Name)}";
        if (isDirty)
        {
            problems.Add(new Problem("it is dirty: it was in use when its device or the machine died", repair));
        }
        CowContents contents = CowfileChecks.Count(file, layout);
        if (!isDirty && (ulong)contents.UsedBlocks != header.UsedBlocks)
        {
            problems.Add(new Problem($"its header counts {header.UsedBlocks} blocks, its bitmap {contents.UsedBlocks}", repair));
        }
        RepairReport found = Repairer.Run(file, header, new RepairOptions { Modify = false }, observer);
        if (found.Corrections + found.RemovedBlocks is > 0 and long count)
        {
            problems.Add(new Problem($"blocks of data without a bit in the bitmap: {count}", repair));
        }
        if (found.HasDamagedRecord)
        {
            problems.Add(new Problem(
                "its extension record is damaged",
                $"cowrepair -f {ShellWord.ForPath(file.Name)} takes it out; the base is then known by its fingerprint only"));
        }
        if (file.LengthBytes % CowLayout.BlockSize != 0)
        {
            problems.Add(new Problem($"its length, {file.LengthBytes} bytes, is not a multiple of {CowLayout.BlockSize}", repair));
        }
        if (found.FirstStrayBlock >= 0)
        {
            string where = $"there is data at block {found.FirstStrayBlock}, but the base ends with block {layout.BlockCount - 1}";
            problems.Add(new Problem(where, "it does no harm"));
        }
    }
}
