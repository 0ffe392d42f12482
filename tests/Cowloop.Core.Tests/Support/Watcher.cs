using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>Counts what work says about itself, and interrupts it at a chosen call.</summary>
/// <param name="interruptAt">Number of the <see cref="Advance"/> call that interrupts, from 1; 0 for none.</param>
internal sealed class Watcher(int interruptAt = 0) : IWorkObserver
{
    public string What { get; private set; } = "";

    public long TotalBytes { get; private set; }

    public long DoneBytes { get; private set; }

    public int AdvanceCount { get; private set; }

    public void Begin(string what, long totalBytes)
    {
        What = what;
        TotalBytes = totalBytes;
    }

    public void Advance(long bytes)
    {
        if (++AdvanceCount == interruptAt)
        {
            throw new OperationCanceledException();
        }
        DoneBytes += bytes;
    }
}
