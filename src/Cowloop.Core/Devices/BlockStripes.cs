using System.Numerics;

namespace Cowloop.Core.Devices;

/// <summary>
/// The locks that every writer of a block holds from before its merge read until its bit is set. A stripe covers runs
/// of 64 KiB that lie 4 MiB apart. A request over several stripes takes them in ascending order
/// (docs/lock-order.md); readers and flushes take none. Holding all of them excludes every writer.
/// </summary>
internal sealed class BlockStripes
{
    /// <summary>The mask of all stripes.</summary>
    public const ulong All = ulong.MaxValue;

    // 64 fit one mask. A run is what one word of the bitmap describes, so a word belongs to one stripe; its 64 KiB keep the largest
    // request (1 MiB) at 17 stripes and random small writers apart.
    private const int StripeCount = 64;
    private const int BlocksPerRun = Bitmap.BitsPerWord;

    private readonly Lock[] _locks = new Lock[StripeCount];

    public BlockStripes()
    {
        for (int stripe = 0; stripe < StripeCount; stripe++)
        {
            _locks[stripe] = new Lock();
        }
    }

    /// <summary>The stripes of a range of blocks, one bit each.</summary>
    public static ulong MaskOf(long block, long count)
    {
        long firstRun = block / BlocksPerRun;
        long runCount = (block + count - 1) / BlocksPerRun - firstRun + 1;
        if (runCount >= StripeCount)
        {
            return All;
        }
        return BitOperations.RotateLeft((1UL << (int)runCount) - 1, (int)(firstRun % StripeCount));
    }

    /// <summary>Takes the stripes of <paramref name="mask"/>, lowest first.</summary>
    public void Enter(ulong mask)
    {
        for (; mask != 0; mask &= mask - 1)
        {
            _locks[BitOperations.TrailingZeroCount(mask)].Enter();
        }
    }

    /// <summary>Gives back what <see cref="Enter"/> took; on the same thread.</summary>
    public void Exit(ulong mask)
    {
        for (; mask != 0; mask &= mask - 1)
        {
            _locks[BitOperations.TrailingZeroCount(mask)].Exit();
        }
    }
}
