namespace Cowloop.Core.Format;

/// <summary>
/// Where things lie in a classic cowfile; all of it follows from the number of blocks of the base
/// (specification 1.1 and 1.4).
/// </summary>
public readonly record struct CowLayout
{
    /// <summary>Size of a block: the unit of one bit. Also the size of the header block and the unit of the bitmap's length.</summary>
    public const int BlockSize = 1024;

    /// <summary>Blocks that one block of bitmap describes.</summary>
    public const int BlocksPerBitmapBlock = BlockSize * 8;

    /// <summary>The most blocks a version 1 header can carry: 4 TiB - 1 KiB (specification 1.4, defect 6.20).</summary>
    public const long MaxClassicBlockCount = uint.MaxValue;

    /// <summary>The most blocks that any can: 16 TiB - 8 MiB. A bitmap is less than 2 GiB, so that it is one piece of memory.</summary>
    public const long MaxBlockCount = (1L << 34) - BlocksPerBitmapBlock;

    /// <summary>Where the bitmap starts: right behind the header block.</summary>
    public const long BitmapOffsetBytes = BlockSize;

    private const long DataAlignmentBytes = 4096;

    /// <summary>Lays out a cowfile for a base of <paramref name="blockCount"/> blocks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not in 1..<see cref="MaxBlockCount"/>.</exception>
    public CowLayout(long blockCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blockCount, MaxBlockCount);
        BlockCount = blockCount;
    }

    /// <summary>Blocks of the base (rdoblocks).</summary>
    public long BlockCount { get; }

    /// <summary>Size of the device in bytes.</summary>
    public long DeviceBytes => BlockCount * BlockSize;

    /// <summary>Length of the bitmap in bytes (mapsize): whole KiB.</summary>
    public long BitmapBytes => RoundUp((BlockCount + 7) / 8, BlockSize);

    /// <summary>Number of 1 KiB blocks of bitmap.</summary>
    public int BitmapBlockCount => (int)(BitmapBytes / BlockSize);

    /// <summary>Where block 0 lies (doffset).</summary>
    public long DataOffsetBytes => RoundUp(BitmapOffsetBytes + BitmapBytes, DataAlignmentBytes);

    /// <summary>Length of a file without any block: header and bitmap.</summary>
    public long EmptyLengthBytes => BitmapOffsetBytes + BitmapBytes;

    /// <summary>Length of a file that holds the last block of the base.</summary>
    public long FullLengthBytes => DataOffsetBytes + DeviceBytes;

    /// <summary>Length of a file whose last block is <paramref name="highestBlock"/>; -1 stands for no block at all (specification 1.7).</summary>
    public long LengthBytesFor(long highestBlock) =>
        highestBlock < 0 ? EmptyLengthBytes : DataOffsetBytes + (highestBlock + 1) * BlockSize;

    private static long RoundUp(long value, long unit) => (value + unit - 1) / unit * unit;
}
