using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>What a change of a cowfile is.</summary>
internal enum ChangeKind
{
    None,
    DirtyHeader,
    CleanHeader,
    SealedHeader,
    Bitmap,
    Data,
}

/// <summary>
/// Says that a sync of an open cowfile is done, but does none, when the last change before it was of one kind: as if it had been forgotten in the program.
/// </summary>
internal sealed class SyncSkipper(IBlockFile inner, ChangeKind after, Func<Cowfile?> open) : FileDecorator(inner)
{
    private ChangeKind _last;

    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        Errno errno = base.WriteAt(offsetBytes, source);
        _last = offsetBytes switch
        {
            0 when CowHeader.Decode(source)!.Flags.HasFlag(CowFlags.Dirty) => ChangeKind.DirtyHeader,
            0 => ChangeKind.CleanHeader,
            _ => offsetBytes < open()?.Layout.DataOffsetBytes ? ChangeKind.Bitmap : ChangeKind.Data,
        };
        return errno;
    }

    public override Errno Sync() => _last == after && open() is not null ? Errno.None : base.Sync();

    protected override Errno Before(FileCall call)
    {
        if (call.Op == FileOp.Punch)
        {
            _last = ChangeKind.Data;
        }
        return Errno.None;
    }
}
