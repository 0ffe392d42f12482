using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>Writes the bitmap as it is when it is written: as if it were copied after the sync of the data and not before.</summary>
internal sealed class LateBitmapCopier(IBlockFile inner, Func<Cowfile?> open) : FileDecorator(inner)
{
    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        if (open() is not { } cowfile || offsetBytes < CowLayout.BitmapOffsetBytes || offsetBytes >= cowfile.Layout.DataOffsetBytes)
        {
            return base.WriteAt(offsetBytes, source);
        }
        byte[] late = source.ToArray();
        long firstBlock = (offsetBytes - CowLayout.BitmapOffsetBytes) * 8;
        for (long block = firstBlock; block < Math.Min(firstBlock + late.Length * 8, cowfile.Layout.BlockCount); block++)
        {
            late[(block - firstBlock) / 8] |= (byte)(cowfile.Bitmap.AreAllSet(block, 1) ? 1 << (int)(block % 8) : 0);
        }
        return base.WriteAt(offsetBytes, late);
    }

    protected override Errno Before(FileCall call) => Errno.None;
}
