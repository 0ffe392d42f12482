using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>While a device is active, says that a write is done, and does it before the next call: as if it were buffered in the process.</summary>
internal sealed class WriteDelayer(IBlockFile inner, Func<Cowfile?> open) : FileDecorator(inner)
{
    private (long OffsetBytes, byte[] Data)? _delayed;

    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        if (open() is null)
        {
            return base.WriteAt(offsetBytes, source);
        }
        Errno errno = Before(default);
        _delayed = (offsetBytes, source.ToArray());
        return errno;
    }

    protected override Errno Before(FileCall call)
    {
        if (_delayed is not var (offsetBytes, data))
        {
            return Errno.None;
        }
        _delayed = null;
        return Inner.WriteAt(offsetBytes, data);
    }
}
