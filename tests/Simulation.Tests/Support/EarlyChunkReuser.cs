using Cowloop.Core;
using Cowloop.Core.Files;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>
/// Leaves out both syncs of a round in which zeros come into the map and their chunks are given up: chunks are taken again before it is durable that they were
/// given up, and what else the round was to make durable is not.
/// </summary>
internal sealed class EarlyChunkReuser(IBlockFile inner, Func<bool> isThere) : StorePlant(inner)
{
    private bool _hasWrittenMap;
    private bool _isInRound;
    private StoreArea? _last;

    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        _last = AreaOf(offsetBytes);
        _hasWrittenMap |= _last == StoreArea.ZeroMap;
        return base.WriteAt(offsetBytes, source);
    }

    public override Errno Sync()
    {
        bool isFirst = _hasWrittenMap && isThere();
        bool isSecond = _isInRound && _last == StoreArea.Table;
        _hasWrittenMap = false;
        _isInRound = isFirst;
        return isFirst || isSecond ? Errno.None : base.Sync();
    }
}
