using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Daemon.Space;

/// <summary>
/// Space on the filesystem that holds a device's cowfile, and the one who may wait for it to run short (specification 4.13, with
/// defect 6.24 done right: the filesystem is asked anew each time).
/// </summary>
/// <param name="device">Number of the device, for messages.</param>
/// <param name="name">The cowfile as the user named it, for messages.</param>
/// <param name="cowfile">The file; not owned, and not used between <see cref="Stop"/> and <see cref="Resume"/>.</param>
/// <param name="ended">Completes when the device is gone.</param>
internal sealed class SpaceWatch(int device, string name, StoredFile cowfile, Task ended)
{
    private static readonly TimeSpan PollTime = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private string _name = name;
    private StoredFile _cowfile = cowfile;

    // Apart from the other, which is held while a filesystem is asked that may not answer.
    private readonly Lock _lastLock = new();
    private bool _isStopped;
    private FileSystemSpace _last;

    private bool _hasWaiter;

    /// <summary>True while somebody waits.</summary>
    public bool HasWaiter => Volatile.Read(ref _hasWaiter);

    /// <summary>The figures as last asked for; nobody is asked now.</summary>
    public FileSystemSpace Last
    {
        get
        {
            lock (_lastLock)
            {
                return _last;
            }
        }
    }

    /// <summary>The figures now; the last ones when the cowfile is closed.</summary>
    /// <exception cref="CowloopException">The filesystem does not tell.</exception>
    public CowfileSpace Look()
    {
        FileSystemSpace space = LookAtAll();
        return new CowfileSpace(space.TotalKiB, space.AvailableKiB);
    }

    /// <summary>The same with what else the filesystem tells.</summary>
    /// <exception cref="CowloopException">The filesystem does not tell.</exception>
    public FileSystemSpace LookAtAll()
    {
        lock (_lock)
        {
            Errno errno = _isStopped ? Errno.None : Refresh();
            return errno == Errno.None
                ? Last
                : throw new CowloopException(errno, $"the filesystem of cowfile {_name} does not tell its space: {errno.Text()}");
        }
    }

    /// <summary>Waits until no more than the threshold is available or the device is gone. Holds no thread meanwhile.</summary>
    /// <exception cref="CowloopException">Somebody else waits, or the filesystem does not tell.</exception>
    public async Task<CowfileSpace> WaitAsync(ulong thresholdKiB, CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _hasWaiter, true))
        {
            throw new CowloopException(Errno.EAGAIN, $"somebody watches the space of cowdevice {device} already", "one can at a time: end that cowwatch first");
        }
        try
        {
            while (true)
            {
                CowfileSpace space = Look();
                if (space.AvailableKiB <= thresholdKiB || ended.IsCompleted)
                {
                    return space;
                }
                await Task.WhenAny(ended, Task.Delay(PollTime, cancellation)).ConfigureAwait(false);
                cancellation.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            Volatile.Write(ref _hasWaiter, false);
        }
    }

    /// <summary>Another cowfile takes the changes from now on.</summary>
    /// <param name="newName">As the user named it.</param>
    /// <param name="newCowfile">The file; not owned.</param>
    public void Follow(string newName, StoredFile newCowfile)
    {
        lock (_lock)
        {
            _name = newName;
            _cowfile = newCowfile;
        }
    }

    /// <summary>The cowfile is about to be closed: the figures stay what they are.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            if (!_isStopped)
            {
                // When the filesystem does not tell, the figures from before must do.
                _ = Refresh();
                _isStopped = true;
            }
        }
    }

    /// <summary>The cowfile has not been closed after all.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            _isStopped = false;
        }
    }

    private Errno Refresh()
    {
        Errno errno = _cowfile.TryGetSpace(out FileSystemSpace space);
        if (errno == Errno.None)
        {
            lock (_lastLock)
            {
                _last = space;
            }
        }
        return errno;
    }
}
