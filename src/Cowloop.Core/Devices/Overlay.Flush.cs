namespace Cowloop.Core.Devices;

public sealed partial class Overlay
{
    private bool _hasUnsyncedData;

    /// <inheritdoc/>
    /// <remarks>Takes no stripe: writers go on meanwhile. Callers that come together share a round.</remarks>
    public Errno Flush()
    {
        if (!_rounds.TryLead(out Errno result))
        {
            return result;
        }
        Errno errno = Errno.EIO;
        try
        {
            errno = Publish();
        }
        finally
        {
            _rounds.Complete(errno);
        }
        return errno;
    }

    /// <summary>
    /// Makes everything durable and marks the cowfile clean (specification 7.2, step 4). Writers wait; what they must wait
    /// for is little, for the bulk is flushed before.
    /// </summary>
    public Errno Clean() => Clean(trim: false);

    private Errno Clean(bool trim)
    {
        Errno errno = Flush();
        if (errno != Errno.None)
        {
            return errno;
        }
        _stripes.Enter(BlockStripes.All);
        try
        {
            return CleanLocked(trim);
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }

    /// <summary>Under all stripes. A cowfile that may not be changed any more is clean since then.</summary>
    private Errno CleanLocked(bool trim)
    {
        if (_access != CowfileAccess.ReadWrite || _cowfile.IsVolatile)
        {
            return Errno.None;
        }
        Errno errno = RetryLeftovers();
        if (errno == Errno.None)
        {
            errno = Flush();
        }
        if (errno == Errno.None && trim && _wasDirty)
        {
            errno = _cowfile.TrimLength();
        }
        if (errno == Errno.None && (_isDirty || _isHeaderInDoubt || _isHeaderOutdated))
        {
            errno = BecomeClean();
        }
        _isGenerationRaised &= errno != Errno.None;
        return errno;
    }

    /// <summary>Copy the changed bitmap, make the data durable, then write that copy: no bit reaches the disk before its data.</summary>
    private Errno Publish()
    {
        // What nobody will look for after a loss of power needs not be found; what is settled is durable, or thrown away.
        if (_cowfile.IsVolatile || _isSettled)
        {
            return Errno.None;
        }
        if (Failure != Errno.None)
        {
            return Errno.EIO;
        }
        Errno errno = SealBelow();
        if (errno != Errno.None)
        {
            return errno;
        }
        // Before the copy: what is counted now is in it.
        long unkeptMarkCount = Interlocked.Read(ref _unkeptMarkCount);
        bool hasNewBits = _bitmap.CopyChanged();
        // A write that has been acknowledged raised the flag before; one that raises it now is not owed anything yet.
        if (Interlocked.Exchange(ref _hasUnsyncedData, false) || hasNewBits)
        {
            errno = Sync();
        }
        if (errno == Errno.None && hasNewBits)
        {
            errno = _bitmap.WriteCopied(_store);
            if (errno == Errno.None)
            {
                errno = Sync();
            }
        }
        if (errno == Errno.None)
        {
            Interlocked.Exchange(ref _publishedMarkCount, unkeptMarkCount);
        }
        return errno;
    }

    /// <summary>The first new block after a clean state: DIRTY and the next generation are durable before its data is written. Under all stripes.</summary>
    private Errno BecomeDirty()
    {
        _wasDirty = true;
        // One that is raised already is the one that a snapshot which is just being made counts on.
        return ChangeHeader(() => _cowfile.MarkDirty(_live, raiseGeneration: !_isGenerationRaised), isDirty: true);
    }

    /// <summary>The first change of a block that the cowfile holds, after a clean state: the next generation is durable before. Under all stripes.</summary>
    private Errno RaiseGeneration() => ChangeHeader(() => _cowfile.RaiseGeneration(_isDirty ? _live : null), _isDirty);

    /// <summary>Data and bitmap are durable, and no writer can change that: under all stripes.</summary>
    private Errno BecomeClean() => ChangeHeader(_cowfile.MarkClean, isDirty: false);

    private Errno ChangeHeader(Func<Errno> write, bool isDirty)
    {
        // Flushes need no stripe, so one that runs now comes to its end.
        _rounds.Pause();
        try
        {
            return Failure == Errno.None ? WriteHeader(write, isDirty) : Errno.EIO;
        }
        finally
        {
            _rounds.Resume();
        }
    }

    private Errno WriteHeader(Func<Errno> write, bool isDirty)
    {
        // An error does not say what the disk shows now, so the header counts as neither dirty nor clean until a write of it succeeds.
        _isHeaderInDoubt = true;
        Errno errno = write();
        if (errno == Errno.None)
        {
            errno = Sync();
        }
        if (errno == Errno.None)
        {
            _isHeaderInDoubt = false;
            _isHeaderOutdated = false;
            _isGenerationRaised = true;
            Volatile.Write(ref _isDirty, isDirty);
        }
        return errno;
    }

    private Errno RetryLeftovers()
    {
        lock (_leftoverLock)
        {
            if (_leftoverEndBlock == 0)
            {
                return Errno.None;
            }
            Errno errno = TryPunchUnmarked(_leftoverFirstBlock, _leftoverEndBlock - _leftoverFirstBlock);
            if (errno == Errno.None)
            {
                _leftoverEndBlock = 0;
            }
            return errno;
        }
    }

    private Errno Sync()
    {
        Errno errno = _store.Sync();
        if (errno == Errno.EAGAIN)
        {
            // The next flush syncs, whether there are new bits or not.
            Volatile.Write(ref _hasUnsyncedData, true);
            return Errno.ENOSPC;
        }
        return errno == Errno.None ? Errno.None : Fail(errno);
    }

    /// <summary>A failed sync means the data is not durable and may be gone from memory too: never retried into a false success.</summary>
    private Errno Fail(Errno errno)
    {
        _live?.Abandon();
        if (Interlocked.CompareExchange(ref _failure, (int)errno, (int)Errno.None) == (int)Errno.None)
        {
            _onFailure?.Invoke(errno);
        }
        return Errno.EIO;
    }
}
