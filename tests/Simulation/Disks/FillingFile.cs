using Cowloop.Core;
using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>A file whose filesystem is full after some writes.</summary>
/// <param name="inner">The file; owned.</param>
/// <param name="writeCount">How many writes there is space for.</param>
public sealed class FillingFile(IBlockFile inner, int writeCount) : FileDecorator(inner)
{
    private int _writeCount;

    protected override Errno Before(FileCall call) =>
        call.Op == FileOp.Write && Interlocked.Increment(ref _writeCount) > writeCount ? Errno.ENOSPC : Errno.None;
}
