using System.Runtime.InteropServices;
using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>A part of a cowfile's bitmap, read to be changed: memory does not grow with the base.</summary>
internal sealed class BitmapEdit
{
    private const int MaxBytes = 64 * 1024;
    private const int BitsPerWord = 64;

    private readonly CheckedFile _file;
    private readonly CowLayout _layout;
    private readonly ulong[] _words;
    private readonly ulong[] _found;
    private int _wordCount;

    /// <summary>Makes room for a part.</summary>
    /// <param name="file">The cowfile; not owned.</param>
    /// <param name="layout">Where things lie in it.</param>
    public BitmapEdit(CheckedFile file, CowLayout layout)
    {
        _file = file;
        _layout = layout;
        _words = new ulong[Math.Min(MaxBytes, layout.BitmapBytes) / sizeof(ulong)];
        _found = new ulong[_words.Length];
    }

    /// <summary>The first block of the part.</summary>
    public long FirstBlock { get; private set; }

    /// <summary>The block behind its last one; none is behind the end of the device.</summary>
    public long EndBlock => Math.Min(_layout.BlockCount, FirstBlock + BitCount);

    /// <summary>True when it is not as in the file.</summary>
    public bool HasChanged => !_words.AsSpan(0, _wordCount).SequenceEqual(_found.AsSpan(0, _wordCount));

    private int BitCount => _wordCount * BitsPerWord;

    /// <summary>Gives bits to blocks; the caller syncs.</summary>
    /// <param name="runs">The blocks, in ascending order.</param>
    /// <param name="file">The cowfile.</param>
    /// <param name="layout">Where things lie in it.</param>
    /// <exception cref="CowloopException">The bitmap can't be read or written.</exception>
    public static void Add(IEnumerable<BlockRun> runs, CheckedFile file, CowLayout layout)
    {
        var bitmap = new BitmapEdit(file, layout);
        foreach (BlockRun run in runs)
        {
            for (long block = run.FirstBlock; block < run.EndBlock;)
            {
                if (block >= bitmap.EndBlock)
                {
                    bitmap.Write();
                    bitmap.Load(block);
                }
                long endBlock = Math.Min(run.EndBlock, bitmap.EndBlock);
                bitmap.Set(new BlockRun(block, endBlock - block), isSet: true);
                block = endBlock;
            }
        }
        bitmap.Write();
    }

    /// <summary>Reads the part that a block lies in.</summary>
    /// <exception cref="CowloopException">It can't be read.</exception>
    public void Load(long block)
    {
        long offsetBytes = block / 8 / MaxBytes * MaxBytes;
        FirstBlock = offsetBytes * 8;
        int lengthBytes = (int)Math.Min(MaxBytes, _layout.BitmapBytes - offsetBytes);
        _wordCount = lengthBytes / sizeof(ulong);
        _file.Read(CowLayout.BitmapOffsetBytes + offsetBytes, MemoryMarshal.AsBytes(_words.AsSpan())[..lengthBytes], Fault.ReadBitmap);
        _words.CopyTo(_found, 0);
    }

    /// <summary>Finds the next run of blocks of the part that had, or had not, a bit when it was read.</summary>
    /// <param name="block">Where to look from; in the part.</param>
    /// <param name="isSet">Which are looked for.</param>
    /// <param name="run">The run.</param>
    /// <returns>False when there is none up to <see cref="EndBlock"/>.</returns>
    public bool TryNextFound(long block, bool isSet, out BlockRun run) => TryNext(_found, block, isSet, out run);

    /// <summary>The same for bits as they are now.</summary>
    public bool TryNext(long block, bool isSet, out BlockRun run) => TryNext(_words, block, isSet, out run);

    /// <summary>Gives bits to blocks of the part, or takes them away.</summary>
    public void Set(BlockRun run, bool isSet)
    {
        for (long block = run.FirstBlock; block < run.EndBlock; block++)
        {
            int bit = (int)(block - FirstBlock);
            ulong mask = 1UL << (bit % BitsPerWord);
            _words[bit / BitsPerWord] = isSet ? _words[bit / BitsPerWord] | mask : _words[bit / BitsPerWord] & ~mask;
        }
    }

    /// <summary>Writes what has changed; the caller syncs.</summary>
    /// <exception cref="CowloopException">It can't be written.</exception>
    public void Write()
    {
        ReadOnlySpan<ulong> words = _words.AsSpan(0, _wordCount);
        int first = words.CommonPrefixLength(_found);
        if (first == words.Length)
        {
            return;
        }
        int last = words.Length - 1;
        while (words[last] == _found[last])
        {
            last--;
        }
        // Whole blocks of the bitmap, as everything else that writes it does.
        int startBytes = first * sizeof(ulong) / CowLayout.BlockSize * CowLayout.BlockSize;
        int endBytes = (last * sizeof(ulong) / CowLayout.BlockSize + 1) * CowLayout.BlockSize;
        _file.Write(
            CowLayout.BitmapOffsetBytes + FirstBlock / 8 + startBytes,
            MemoryMarshal.AsBytes(words)[startBytes..endBytes],
            Fault.WriteBitmap);
    }

    private bool TryNext(ReadOnlySpan<ulong> words, long block, bool isSet, out BlockRun run)
    {
        int bitCount = (int)(EndBlock - FirstBlock);
        int bit = Math.Min(bitCount, CowRuns.NextBit(words, (int)(block - FirstBlock), BitCount, isSet));
        int end = Math.Min(bitCount, CowRuns.NextBit(words, bit, BitCount, !isSet));
        run = new BlockRun(FirstBlock + bit, end - bit);
        return end > bit;
    }
}
