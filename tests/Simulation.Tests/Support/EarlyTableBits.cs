using Cowloop.Core.Devices;
using Cowloop.Core.Files;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>Writes the live bits into the table, with whatever changes in a sector: as if they were not kept back until the data is durable.</summary>
internal sealed class EarlyTableBits(IBlockFile inner, Func<Cowfile?> open) : TablePlant(inner)
{
    private const int BlocksPerChunk = 4;

    protected override void Change(long deviceChunk, ref uint state, ref ulong bits)
    {
        if (open() is not { } cowfile)
        {
            return;
        }
        long first = deviceChunk * BlocksPerChunk;
        for (long block = first; block < Math.Min(first + BlocksPerChunk, cowfile.Layout.BlockCount); block++)
        {
            bits |= cowfile.Bitmap.AreAllSet(block, 1) ? 1UL << (int)(block - first) : 0;
        }
    }
}
