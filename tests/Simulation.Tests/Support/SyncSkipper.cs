using Cowloop.Core;
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

/// <summary>Says that a sync of a cowfile is done, but does none, when the last change before it was of some kinds: as if it had been forgotten in the program.</summary>
/// <param name="inner">The cowfile.</param>
/// <param name="after">The kinds.</param>
/// <param name="isThere">True in that part of the program which forgets it.</param>
internal sealed class SyncSkipper(IBlockFile inner, ChangeKind[] after, Func<bool> isThere) : FileDecorator(inner)
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

    public override Errno Sync() => after.Contains(_last) && isThere() ? Errno.None : base.Sync();

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
