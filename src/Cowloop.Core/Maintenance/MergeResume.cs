using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// Decides whether a base whose fingerprint does not match may be one whose merge with the cowfile was interrupted. A merge writes everything
/// outside the fingerprint window first and makes it durable; so then all of that equals the cowfile already, and only blocks of
/// the window that the cowfile holds may differ from what the fingerprint was made of.
/// </summary>
internal static class MergeResume
{
    private const int CompareBytes = 1 << 20;

    /// <summary>True when an interrupted merge explains the base as it is. Bases of another size are the caller's to refuse.</summary>
    /// <exception cref="CowloopException">A file can't be read.</exception>
    public static bool IsPossible(CheckedFile cowfile, CowHeader header, CowLayout layout, CheckedFile baseFile, IWorkObserver observer)
    {
        long windowBlockCount = LargestWindow(cowfile, layout, baseFile, header.Fingerprint, observer);
        return windowBlockCount > 0 && IsMergedBehind(cowfile, layout, baseFile, windowBlockCount, observer);
    }

    /// <summary>
    /// The most blocks that the window can have had, given that blocks of the cowfile may have held anything before: 0 when no content of
    /// theirs gives the fingerprint.
    /// </summary>
    private static long LargestWindow(CheckedFile cowfile, CowLayout layout, CheckedFile baseFile, uint fingerprint, IWorkObserver observer)
    {
        // Bit k of the set: so far k sums of the fingerprint can have been counted.
        const uint AllCounted = 1u << BaseFingerprint.CountedBlocks;
        int sumCount = CountSums(fingerprint);
        // A sum behind a missing one: no base has that.
        if ((ulong)fingerprint >> (8 * sumCount) != 0)
        {
            return 0;
        }
        uint counts = 1;
        long largest = 0;
        long block = 0;
        foreach (BlockRun run in CowRuns.Read(cowfile, layout))
        {
            CountUnchanged(run.FirstBlock);
            while (block < run.EndBlock && counts != 0)
            {
                // What such a block held before may have been counted, or not.
                uint before = counts;
                counts = (counts | counts << 1) & (2u << sumCount) - 1;
                // Where one more changes nothing, all the rest of the run doesn't.
                block = counts == before || (counts & ~AllCounted) == before ? run.EndBlock : block + 1;
                EndWindow();
            }
            if (counts == 0)
            {
                return largest;
            }
        }
        CountUnchanged(layout.BlockCount);
        // With fewer than four sums the window is the whole base.
        return sumCount < BaseFingerprint.CountedBlocks && (counts >> sumCount & 1) != 0 ? layout.BlockCount : largest;

        void EndWindow()
        {
            if ((counts & AllCounted) != 0)
            {
                largest = block;
                counts &= ~AllCounted;
            }
        }

        // Blocks that the cowfile does not hold are as they always were.
        void CountUnchanged(long endBlock)
        {
            Span<byte> content = stackalloc byte[CowLayout.BlockSize];
            while (block < endBlock && counts != 0)
            {
                (long startBytes, long endBytes) = baseFile.NextData(block * CowLayout.BlockSize, Fault.OtherBase);
                block = endBytes <= startBytes ? endBlock : Math.Min(endBlock, Math.Max(block, startBytes / CowLayout.BlockSize));
                if (block >= endBlock)
                {
                    break;
                }
                baseFile.Read(block * CowLayout.BlockSize, content, Fault.OtherBase);
                block++;
                byte sum = BaseFingerprint.Sum(content);
                if (sum != 0)
                {
                    uint matching = 0;
                    for (int count = 0; count < sumCount; count++)
                    {
                        matching |= (byte)(fingerprint >> (8 * count)) == sum ? counts & 1u << count : 0;
                    }
                    counts = matching << 1;
                    EndWindow();
                }
                observer.Advance(0);
            }
        }
    }

    /// <summary>Sums fill the fingerprint from its lowest byte, and none is 0.</summary>
    private static int CountSums(uint fingerprint)
    {
        int count = 0;
        while (count < BaseFingerprint.CountedBlocks && (byte)(fingerprint >> (8 * count)) != 0)
        {
            count++;
        }
        return count;
    }

    private static bool IsMergedBehind(CheckedFile cowfile, CowLayout layout, CheckedFile baseFile, long windowBlockCount, IWorkObserver observer)
    {
        byte[] wanted = new byte[CompareBytes];
        byte[] found = new byte[CompareBytes];
        foreach (BlockRun run in CowRuns.Read(cowfile, layout))
        {
            long block = Math.Clamp(windowBlockCount, run.FirstBlock, run.EndBlock);
            observer.Advance((block - run.FirstBlock) * CowLayout.BlockSize);
            while (block < run.EndBlock)
            {
                int lengthBytes = (int)Math.Min(CompareBytes, (run.EndBlock - block) * CowLayout.BlockSize);
                cowfile.Read(layout.DataOffsetBytes + block * CowLayout.BlockSize, wanted.AsSpan(0, lengthBytes), Fault.ReadData);
                baseFile.Read(block * CowLayout.BlockSize, found.AsSpan(0, lengthBytes), Fault.OtherBase);
                if (!wanted.AsSpan(0, lengthBytes).SequenceEqual(found.AsSpan(0, lengthBytes)))
                {
                    return false;
                }
                block += lengthBytes / CowLayout.BlockSize;
                observer.Advance(lengthBytes);
            }
        }
        return true;
    }
}
