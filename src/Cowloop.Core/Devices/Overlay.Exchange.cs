using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Devices;

public sealed partial class Overlay
{
    /// <summary>What a change gets when another overlay does the device's requests by now: it is to be tried there.</summary>
    internal const Errno Retired = Errno.ESTALE;

    /// <summary>Sees to it that the generation on disk is the one of the content from now on, until the cowfile is made clean.</summary>
    /// <param name="generation">That generation.</param>
    internal Errno SettleGeneration(out ulong generation)
    {
        _stripes.Enter(BlockStripes.All);
        try
        {
            Errno errno = Changeable();
            if (errno == Errno.None && (!_isGenerationRaised || _isHeaderInDoubt))
            {
                errno = RaiseGeneration();
            }
            generation = Generation ?? 0;
            return errno;
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }

    /// <summary>The stack that there is when this overlay's cowfile is sealed. Its top layer shares file and bitmap with the overlay.</summary>
    /// <param name="name">The cowfile as the user named it.</param>
    internal LayerStack ToStack(string name) => LayerStack.On(_base, new Layer(_store, name, _layout, _cowfile.Record), _bitmap);

    /// <summary>
    /// Makes the cowfile clean, seals it, and hands the requests over to another overlay, whose cowfile names this one by its generation.
    /// </summary>
    /// <param name="generation">
    /// The generation that was settled. When it is another one by now, because the cowfile was made clean meanwhile, it is <see cref="Errno.EAGAIN"/>.
    /// </param>
    /// <param name="onPause">Called when changes begin to wait; or null.</param>
    /// <param name="handOver">Makes the other overlay the one that does the requests. Called when the seal is durable.</param>
    /// <returns>An error: then it goes on as before, or it can't be made durable and takes no more changes.</returns>
    internal Errno Seal(ulong generation, Action? onPause, Action handOver)
    {
        // The bulk, while writers go on.
        Errno errno = Flush();
        if (errno != Errno.None)
        {
            return errno;
        }
        _stripes.Enter(BlockStripes.All);
        onPause?.Invoke();
        try
        {
            errno = Changeable();
            if (errno == Errno.None && Generation != generation)
            {
                errno = Errno.EAGAIN;
            }
            if (errno == Errno.None)
            {
                // First clean, then sealed: the two are in different sectors, and a sealed file must not be found dirty.
                errno = CleanLocked(trim: true);
            }
            if (errno == Errno.None)
            {
                errno = ChangeHeader(_cowfile.MarkSealed, isDirty: false);
            }
            return errno == Errno.None ? RetireLocked(static () => Errno.None, handOver) : errno;
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }

    /// <summary>Hands the requests over to another overlay; the cowfile stays as it is.</summary>
    /// <param name="commit">Does what must be done at that moment; an error says that nothing has changed.</param>
    /// <param name="handOver">Makes the other overlay the one that does the requests.</param>
    internal Errno Retire(Func<Errno> commit, Action handOver)
    {
        _stripes.Enter(BlockStripes.All);
        try
        {
            return RetireLocked(commit, handOver);
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }

    /// <summary>Puts the fingerprint of what lies below into the header, durably.</summary>
    internal Errno SetFingerprint(uint fingerprint) => _cowfile.IsVolatile || _cowfile.Header.Fingerprint == fingerprint
        ? Errno.None
        : ChangeDescription(() => _cowfile.MarkFingerprint(fingerprint, _isDirty ? _live : null));

    /// <summary>Puts another parent into the record, durably, through which the same is read. A plain cowfile names none.</summary>
    internal Errno SetParent(ParentLink parent) => _cowfile.Record is null
        ? Errno.None
        : ChangeDescription(() => _cowfile.MarkParent(parent, _isDirty ? _live : null));

    /// <summary>Changes what the header says of the files below; what it says of this one stays as it is.</summary>
    private Errno ChangeDescription(Func<Errno> write)
    {
        // The bulk, while writers go on.
        Errno errno = IsDirty ? Flush() : Errno.None;
        if (errno != Errno.None)
        {
            return errno;
        }
        _stripes.Enter(BlockStripes.All);
        try
        {
            // Live bits are believed only with the header that they were kept for: for a moment they go with neither, and nothing may depend on them.
            errno = _isDirty ? Flush() : Errno.None;
            if (errno == Errno.None)
            {
                bool wasRaised = _isGenerationRaised;
                errno = ChangeHeader(write, _isDirty);
                _isGenerationRaised = wasRaised;
            }
            return errno;
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }

    /// <summary>Gives back what a sealed overlay has of its own: its cowfile is a layer of another stack. No request uses it any more.</summary>
    internal void DisposeSealed()
    {
        _isClosed = true;
        _live?.Dispose();
        _bitmap.Dispose();
    }

    /// <summary>Closes the cowfile and nothing else: what lies below belongs to another overlay. No request uses it any more.</summary>
    public void DisposeTop()
    {
        _isClosed = true;
        _live?.Dispose();
        _cowfile.Dispose();
    }

    private Errno RetireLocked(Func<Errno> commit, Action handOver)
    {
        // A flush that runs now comes to its end; one that follows finds that there is nothing to do.
        _rounds.Pause();
        try
        {
            Errno errno = commit();
            if (errno == Errno.None)
            {
                _isRetired = true;
                handOver();
            }
            return errno;
        }
        finally
        {
            _rounds.Resume();
        }
    }
}
