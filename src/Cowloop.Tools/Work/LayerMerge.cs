using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>Merges a cowfile into the layer that it lies on, by their names.</summary>
internal sealed class LayerMerge : IDisposable
{
    private readonly StoredFile _upper;
    private readonly StoredFile _lower;
    private readonly string _upperName;
    private readonly LayerMerger _merger;

    private LayerMerge(StoredFile upper, StoredFile lower, string upperName, LayerMerger merger)
    {
        _upper = upper;
        _lower = lower;
        _upperName = upperName;
        _merger = merger;
    }

    /// <summary>Blocks to be written into the layer.</summary>
    public long BlockCount => _merger.BlockCount;

    /// <summary>True when it was merged before.</summary>
    public bool IsDone => _merger.IsDone;

    /// <summary>True when it was begun before.</summary>
    public bool IsInterrupted => _merger.IsInterrupted;

    /// <summary>Opens both and verifies that they can be merged; nothing changes.</summary>
    /// <param name="upperName">The cowfile.</param>
    /// <param name="lowerName">The layer.</param>
    /// <param name="writable">False: both are only read, and <see cref="Run"/> is not to follow.</param>
    /// <exception cref="CowloopException">They can't be merged, or one of them is in use.</exception>
    public static LayerMerge Prepare(string upperName, string lowerName, bool writable)
    {
        if (ActiveDevices.IsSameFile(upperName, lowerName))
        {
            throw new CowloopException(Errno.EINVAL, $"{upperName} and {lowerName} are the same file", "name the upper one, and the layer behind --into");
        }
        StoredFile upper = Open(upperName);
        try
        {
            StoredFile lower = Open(lowerName);
            try
            {
                var merger = LayerMerger.Prepare(new CheckedFile(upper, upperName), new CheckedFile(lower, lowerName));
                return new LayerMerge(upper, lower, upperName, merger);
            }
            catch
            {
                lower.Dispose();
                throw;
            }
        }
        catch
        {
            upper.Dispose();
            throw;
        }

        StoredFile Open(string name) => writable ? FileOpener.OpenToChange(name) : FileOpener.OpenToRead(name);
    }

    /// <summary>Merges; both are durable on return.</summary>
    /// <exception cref="CowloopException">It fails; the same merge finishes it.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the same merge finishes it.</exception>
    public void Run()
    {
        // What a killed service may have left for the layer is not about what it is going to hold.
        LiveDirectory.RemoveAll(LiveDirectory.KeyOf(_lower.File));
        using var session = new WorkSession();
        _merger.Run(session);
        LayerMerger.Relink(new CheckedFile(_upper, _upperName), _merger.Record);
    }

    public void Dispose()
    {
        _lower.Dispose();
        _upper.Dispose();
    }
}
