using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Scheduling;

/// <summary>Lets another thread go on before and after every call.</summary>
/// <param name="inner">The file; owned.</param>
/// <param name="scheduler">Decides who goes on.</param>
/// <param name="syncsOnly">Only syncs count.</param>
internal sealed class ScheduledFile(IBlockFile inner, Scheduler scheduler, bool syncsOnly = false) : FileDecorator(inner)
{
    protected override Errno Before(FileCall call)
    {
        if (!syncsOnly || call.Op == FileOp.Sync)
        {
            scheduler.SwitchPoint();
        }
        return Errno.None;
    }

    protected override Errno After(Errno result)
    {
        if (!syncsOnly)
        {
            scheduler.SwitchPoint();
        }
        return result;
    }
}
