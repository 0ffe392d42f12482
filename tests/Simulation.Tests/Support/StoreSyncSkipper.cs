using Cowloop.Core;
using Cowloop.Core.Files;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>Says that a sync of a compact store is done, but does none, when the last write before it went to some area.</summary>
internal sealed class StoreSyncSkipper(IBlockFile inner, StoreArea after, Func<bool> isThere) : StorePlant(inner)
{
    private StoreArea? _last;

    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        _last = AreaOf(offsetBytes);
        return base.WriteAt(offsetBytes, source);
    }

    public override Errno Sync() => _last == after && isThere() ? Errno.None : base.Sync();
}
