using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Devices;

public sealed partial class Overlay
{
    // The overlay that did the requests before this one, until its cowfile is sealed. Set before this one is used, cleared by its flushes.
    private Overlay? _unsealed;

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
    /// Hands the requests over to another overlay, whose cowfile names this one by its generation. Nothing is written meanwhile: the first flush of the other
    /// one seals this cowfile, and nothing that the other one holds is durable before that.
    /// </summary>
    /// <param name="generation">
    /// The generation that was settled. When it is another one by now, because the cowfile was made clean meanwhile, it is <see cref="Errno.EAGAIN"/>.
    /// </param>
    /// <param name="next">The other overlay; nobody uses it yet.</param>
    /// <param name="handOver">Makes it the one that does the requests.</param>
    /// <returns>An error: then it goes on as before.</returns>
    internal Errno HandOver(ulong generation, Overlay next, Action handOver)
    {
        _stripes.Enter(BlockStripes.All);
        try
        {
            Errno errno = Changeable();
            if (errno == Errno.None && (Generation != generation || _unsealed is not null))
            {
                errno = Errno.EAGAIN;
            }
            if (errno == Errno.None)
            {
                next._unsealed = this;
                _isRetired = true;
                handOver();
            }
            return errno;
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }

    /// <summary>Makes the cowfile clean and seals it, durably; nothing changes it any more. After an error it can be tried again.</summary>
    private Errno Seal()
    {
        _stripes.Enter(BlockStripes.All);
        try
        {
            // First clean, then sealed: the two are in different sectors, and a sealed file must not be found dirty.
            Errno errno = CleanLocked(trim: true);
            if (errno == Errno.None)
            {
                errno = ChangeHeader(_cowfile.MarkSealed, isDirty: false);
            }
            _isSettled = errno == Errno.None;
            return errno;
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }

    /// <summary>Sees to it that the cowfile below is sealed. A flush of this overlay comes after that.</summary>
    private Errno SealBelow()
    {
        if (_unsealed is not Overlay below)
        {
            return Errno.None;
        }
        Errno errno = below.Seal();
        if (errno == Errno.None)
        {
            _unsealed = null;
            return Errno.None;
        }
        // What can't be made durable below can't be made durable here.
        return below.Failure == Errno.None ? errno : Fail(below.Failure);
    }

    /// <summary>Hands the requests over to another overlay on the same layers; this cowfile is thrown away.</summary>
    /// <param name="commit">Does what must be done at that moment; an error says that nothing has changed.</param>
    /// <param name="next">The other overlay; nobody uses it yet.</param>
    /// <param name="handOver">Makes it the one that does the requests.</param>
    internal Errno Retire(Func<Errno> commit, Overlay next, Action handOver)
    {
        _stripes.Enter(BlockStripes.All);
        // A flush that runs now comes to its end; one that follows finds that there is nothing to do.
        _rounds.Pause();
        try
        {
            Errno errno = commit();
            if (errno == Errno.None)
            {
                next._unsealed = _unsealed;
                _unsealed = null;
                _isRetired = true;
                _isSettled = true;
                handOver();
            }
            return errno;
        }
        finally
        {
            _rounds.Resume();
            _stripes.Exit(BlockStripes.All);
        }
    }

    /// <summary>Puts the fingerprint of what lies below into the header when that is written next, at the latest when the cowfile is made clean.</summary>
    internal void SetFingerprint(uint fingerprint)
    {
        if (_cowfile.IsVolatile || _cowfile.Header.Fingerprint == fingerprint)
        {
            return;
        }
        _stripes.Enter(BlockStripes.All);
        _cowfile.SetFingerprint(fingerprint);
        _isHeaderOutdated = true;
        _stripes.Exit(BlockStripes.All);
    }

    /// <summary>Puts another parent into the record, durably, through which the same is read. A plain cowfile names none.</summary>
    internal Errno SetParent(ParentLink parent) => _cowfile.Record is null
        ? Errno.None
        : ChangeParent(parent);

    /// <summary>Makes the cowfile dirty before the first change, which does not wait for that any more then.</summary>
    internal Errno ExpectChanges()
    {
        _stripes.Enter(BlockStripes.All);
        try
        {
            Errno errno = Changeable();
            return errno != Errno.None || IsReadyFor(0, _layout.BlockCount) ? errno : BecomeDirty();
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

    /// <summary>What the header says of the files below changes; what it says of this one stays as it is.</summary>
    private Errno ChangeParent(ParentLink parent)
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
                errno = ChangeHeader(() => _cowfile.MarkParent(parent, _isDirty ? _live : null), _isDirty);
                _isGenerationRaised = wasRaised;
            }
            return errno;
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }
}
