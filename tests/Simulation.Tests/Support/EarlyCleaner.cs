using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>Marks the header clean before a sync and not after it.</summary>
internal sealed class EarlyCleaner(IBlockFile inner, Func<Cowfile?> open) : FileDecorator(inner)
{
    public override Errno Sync()
    {
        if (open() is { } cowfile && cowfile.Header.Flags.HasFlag(CowFlags.Dirty))
        {
            byte[] header = new byte[CowLayout.BlockSize];
            (cowfile.Header with { Flags = cowfile.Header.Flags & ~CowFlags.Dirty, UsedBlocks = (ulong)cowfile.Bitmap.SetCount }).Encode(header);
            Errno errno = Inner.WriteAt(0, header);
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        return base.Sync();
    }

    protected override Errno Before(FileCall call) => Errno.None;
}
