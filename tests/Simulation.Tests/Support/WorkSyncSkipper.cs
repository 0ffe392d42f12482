using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Exploring;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>
/// Says that a sync of a cowfile is done, but does none, when the last change before it was of some kinds and one kind of operation is being done: as if it
/// had been forgotten in that.
/// </summary>
internal sealed class WorkSyncSkipper(IBlockFile inner, OperationKind where, ChangeKind[] after, Func<OperationKind> doing) : FileDecorator(inner)
{
    private ChangeKind _last;

    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        Errno errno = base.WriteAt(offsetBytes, source);
        _last = offsetBytes switch
        {
            0 when CowHeader.Decode(source)!.Flags.HasFlag(CowFlags.Dirty) => ChangeKind.DirtyHeader,
            0 when IsSealed(source) => ChangeKind.SealedHeader,
            0 => ChangeKind.CleanHeader,
            _ => offsetBytes < DataOffsetBytes() ? ChangeKind.Bitmap : ChangeKind.Data,
        };
        return errno;
    }

    public override Errno Sync() => after.Contains(_last) && doing() == where ? Errno.None : base.Sync();

    protected override Errno Before(FileCall call)
    {
        if (call.Op == FileOp.Punch)
        {
            _last = ChangeKind.Data;
        }
        return Errno.None;
    }

    private static bool IsSealed(ReadOnlySpan<byte> header) =>
        header.Length == CowLayout.BlockSize && ExtensionRecord.TryDecode(header, out ExtensionRecord? record) == RecordState.Present && record!.IsSealed;

    private long DataOffsetBytes()
    {
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        Inner.ReadAt(0, headerBlock).MustBeNone();
        return new CowLayout((long)CowHeader.Decode(headerBlock)!.BlockCount).DataOffsetBytes;
    }
}
