using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>Hears how the work goes on, and ends it at a chosen point.</summary>
/// <param name="stopAt">Number, from 1, of the <see cref="Advance"/> that interrupts the work; 0 for none.</param>
internal sealed class StoppingObserver(int stopAt = 0) : IWorkObserver
{
    public List<(string What, long TotalBytes)> Begun { get; } = [];

    public int AdvanceCount { get; private set; }

    /// <summary>Since the last begin.</summary>
    public long DoneBytes { get; private set; }

    public long LeastBytes { get; private set; }

    public void Begin(string what, long totalBytes)
    {
        Begun.Add((what, totalBytes));
        DoneBytes = 0;
    }

    public void Advance(long bytes)
    {
        if (++AdvanceCount == stopAt)
        {
            throw new OperationCanceledException();
        }
        DoneBytes += bytes;
        LeastBytes = Math.Min(LeastBytes, bytes);
    }
}
