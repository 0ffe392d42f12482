namespace Cowloop.Tests.Support;

/// <summary>What a piece of work allocates, to the byte, whatever other tests do at the same time.</summary>
public static class Allocated
{
    /// <summary>Bytes that the calling thread allocates while it does the work. What the work needs once must be there already.</summary>
    public static long By(Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        // A collection takes away the piece of the heap that a thread allocates from, and what is left of that piece counts as allocated by the
        // thread. After this one it has none, so a collection that another test causes finds nothing to take.
        GC.Collect(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
