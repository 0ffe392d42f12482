using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>Gives the processor away before every call, so that other threads get in between the steps of a write.</summary>
internal sealed class YieldingFile(IBlockFile inner) : FileDecorator(inner)
{
    protected override Errno Before(FileCall call)
    {
        Thread.Yield();
        return Errno.None;
    }
}
