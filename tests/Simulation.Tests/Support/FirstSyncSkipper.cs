using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>Says that the first sync is done, but does none.</summary>
internal sealed class FirstSyncSkipper(IBlockFile inner) : FileDecorator(inner)
{
    private bool _isSkipped;

    public override Errno Sync()
    {
        if (_isSkipped)
        {
            return base.Sync();
        }
        _isSkipped = true;
        return Errno.None;
    }

    protected override Errno Before(FileCall call) => Errno.None;
}
