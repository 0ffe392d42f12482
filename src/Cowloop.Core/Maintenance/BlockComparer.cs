using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>Adjacent blocks that were compared.</summary>
/// <param name="Run">The blocks.</param>
/// <param name="IsEqual">All of them are equal; else all of them differ.</param>
internal readonly record struct ComparedRun(BlockRun Run, bool IsEqual);

/// <summary>Compares blocks of two files; what is a hole in both is not read.</summary>
/// <param name="one">The one file; longer than the last block.</param>
/// <param name="oneOffsetBytes">Where block 0 lies in it.</param>
/// <param name="other">The other file; longer than the last block.</param>
/// <param name="otherOffsetBytes">Where block 0 lies in it.</param>
internal sealed class BlockComparer(CheckedFile one, long oneOffsetBytes, CheckedFile other, long otherOffsetBytes)
{
    private const int BufferBytes = 1 << 20;

    private readonly byte[] _one = new byte[BufferBytes];
    private readonly byte[] _other = new byte[BufferBytes];

    /// <summary>Yields the blocks of a range in ascending order, in runs that go as far as they are alike.</summary>
    /// <exception cref="CowloopException">A file can't be read.</exception>
    public IEnumerable<ComparedRun> Compare(BlockRun range, IWorkObserver observer)
    {
        ComparedRun pending = default;
        foreach (ComparedRun part in CompareParts(range, observer))
        {
            if (pending.Run.BlockCount > 0 && pending.IsEqual == part.IsEqual)
            {
                pending = pending with { Run = pending.Run with { BlockCount = pending.Run.BlockCount + part.Run.BlockCount } };
                continue;
            }
            if (pending.Run.BlockCount > 0)
            {
                yield return pending;
            }
            pending = part;
        }
        if (pending.Run.BlockCount > 0)
        {
            yield return pending;
        }
    }

    private IEnumerable<ComparedRun> CompareParts(BlockRun range, IWorkObserver observer)
    {
        for (long block = range.FirstBlock; block < range.EndBlock;)
        {
            long holeBlocks = Math.Min(HoleBlocks(one, oneOffsetBytes, block, range.EndBlock), HoleBlocks(other, otherOffsetBytes, block, range.EndBlock));
            if (holeBlocks > 0)
            {
                yield return new ComparedRun(new BlockRun(block, holeBlocks), IsEqual: true);
                block += holeBlocks;
                observer.Advance(holeBlocks * CowLayout.BlockSize);
                continue;
            }
            int count = (int)Math.Min(BufferBytes / CowLayout.BlockSize, range.EndBlock - block);
            one.Read(oneOffsetBytes + block * CowLayout.BlockSize, _one.AsSpan(0, count * CowLayout.BlockSize), Fault.ReadData);
            other.Read(otherOffsetBytes + block * CowLayout.BlockSize, _other.AsSpan(0, count * CowLayout.BlockSize), Fault.ReadData);
            for (int index = 0; index < count;)
            {
                int end = EndOfAlike(index, count, out bool isEqual);
                yield return new ComparedRun(new BlockRun(block + index, end - index), isEqual);
                index = end;
            }
            block += count;
            observer.Advance((long)count * CowLayout.BlockSize);
        }
    }

    private int EndOfAlike(int index, int count, out bool isEqual)
    {
        isEqual = IsEqual(index);
        do
        {
            index++;
        }
        while (index < count && IsEqual(index) == isEqual);
        return index;
    }

    private bool IsEqual(int index) => _one.AsSpan(index * CowLayout.BlockSize, CowLayout.BlockSize)
        .SequenceEqual(_other.AsSpan(index * CowLayout.BlockSize, CowLayout.BlockSize));

    /// <summary>Whole blocks of hole from a block on.</summary>
    private static long HoleBlocks(CheckedFile file, long offsetBytes, long block, long endBlock)
    {
        long startBytes = offsetBytes + block * CowLayout.BlockSize;
        (long dataBytes, long endBytes) = file.NextData(startBytes, Fault.ReadData);
        return endBytes <= dataBytes ? endBlock - block : Math.Min(endBlock - block, (dataBytes - startBytes) / CowLayout.BlockSize);
    }
}
