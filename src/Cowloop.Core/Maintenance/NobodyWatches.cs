namespace Cowloop.Core.Maintenance;

/// <summary>For work that nobody looks on and nothing interrupts.</summary>
public sealed class NobodyWatches : IWorkObserver
{
    private NobodyWatches()
    {
    }

    /// <summary>The one there is.</summary>
    public static NobodyWatches Instance { get; } = new();

    /// <inheritdoc/>
    public void Begin(string what, long totalBytes)
    {
    }

    /// <inheritdoc/>
    public void Advance(long bytes)
    {
    }
}
