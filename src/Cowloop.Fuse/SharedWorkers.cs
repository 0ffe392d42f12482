namespace Cowloop.Fuse;

/// <summary>How many workers all lanes of a connection may have beyond the first of each.</summary>
/// <param name="count">That many.</param>
internal sealed class SharedWorkers(int count)
{
    /// <summary>What a connection has.</summary>
    public const int DefaultCount = 48;

    private int _free = count;

    public bool TryTake()
    {
        if (Interlocked.Decrement(ref _free) >= 0)
        {
            return true;
        }
        Interlocked.Increment(ref _free);
        return false;
    }

    public void Return() => Interlocked.Increment(ref _free);
}
