using System.Buffers;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Devices;

/// <summary>
/// The disk that users see: an overlay that can be exchanged for another one while the disk is in use. A snapshot seals the cowfile on top and puts a new one
/// on it; a rollback puts a new one in its place. A request is done by the one or the other, never by both.
/// </summary>
/// <param name="top">The overlay that begins; owned.</param>
public sealed class StackDevice(Overlay top) : IBlockDevice, IDisposable
{
    private readonly RequestPhases _requests = new();
    private volatile Overlay _top = top;

    /// <inheritdoc/>
    public DeviceInfo Info { get; } = top.Info;

    /// <summary>The overlay that does the requests now.</summary>
    public Overlay Top => _top;

    /// <inheritdoc/>
    public Errno Read(long offsetBytes, Span<byte> target)
    {
        int phase = _requests.Enter();
        try
        {
            return _top.Read(offsetBytes, target);
        }
        finally
        {
            _requests.Exit(phase);
        }
    }

    /// <inheritdoc/>
    public Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target)
    {
        int phase = _requests.Enter();
        try
        {
            return _top.ReadTo(offsetBytes, lengthBytes, target);
        }
        finally
        {
            _requests.Exit(phase);
        }
    }

    /// <inheritdoc/>
    public Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua)
    {
        int phase = _requests.Enter();
        try
        {
            Overlay top;
            Errno errno;
            do
            {
                top = _top;
                errno = top.Write(offsetBytes, source, fua);
            }
            while (errno == Overlay.Retired && top != _top);
            return errno;
        }
        finally
        {
            _requests.Exit(phase);
        }
    }

    /// <inheritdoc/>
    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua)
    {
        int phase = _requests.Enter();
        try
        {
            Overlay top;
            Errno errno;
            do
            {
                top = _top;
                errno = top.Zero(offsetBytes, lengthBytes, mayUnmap, fua);
            }
            while (errno == Overlay.Retired && top != _top);
            return errno;
        }
        finally
        {
            _requests.Exit(phase);
        }
    }

    /// <inheritdoc/>
    /// <remarks>What an overlay acknowledged before it was exchanged is thrown away, or the flush of the next one makes it durable first.</remarks>
    public Errno Flush()
    {
        int phase = _requests.Enter();
        try
        {
            return _top.Flush();
        }
        finally
        {
            _requests.Exit(phase);
        }
    }

    /// <summary>
    /// Lets another cowfile take the writes, at one point in time, and seals the one on top: all that was acknowledged before is in the sealed one, nothing
    /// that begins after it. Requests meet no error. Changes wait for those under way and for no disk; the next FLUSH waits until the seal is durable.
    /// </summary>
    /// <param name="name">The cowfile on top as the user named it, for messages about the layer that it becomes.</param>
    /// <param name="image">What that cowfile lies on.</param>
    /// <param name="makeNext">
    /// Makes the overlay that takes the writes, with a new cowfile that names the sealed one as its parent, given what it lies on. What it returns may be
    /// written to at once, before anything is sealed: by then whoever finds both files after this process was killed must know that the former one is to be
    /// sealed. After a loss of power the durable seal decides: without it there is nothing in the new cowfile that anybody was promised.
    /// </param>
    /// <param name="onPause">Called with true just before changes have to wait, with false when they go on; or null.</param>
    /// <returns>
    /// An error. When the new overlay is the <see cref="Top"/> all the same it goes on with the requests, and the first flush that succeeds seals what
    /// is below; else nothing has changed, and it is the caller's.
    /// </returns>
    /// <exception cref="CowloopException">The new overlay could not be made; nothing has changed.</exception>
    public Errno Snapshot(string name, BaseImage image, Func<BaseImage, Overlay> makeNext, Action<bool>? onPause)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(makeNext);
        Overlay former = _top;
        // The bulk, and what it lies on is sealed then.
        Errno errno = former.Flush();
        ulong generation = 0;
        if (errno == Errno.None)
        {
            errno = former.SettleGeneration(out generation);
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        LayerStack stack = former.ToStack(name);
        BaseImage lower = image.On(stack);
        Overlay top = makeNext(lower);
        errno = top.ExpectChanges();
        if (errno != Errno.None)
        {
            return errno;
        }
        onPause?.Invoke(true);
        errno = former.HandOver(generation, top, () => _top = top);
        onPause?.Invoke(false);
        if (errno == Errno.None)
        {
            errno = top.Flush();
        }
        if (errno == Errno.None)
        {
            // It is known only now that nothing changes it any more.
            top.SetFingerprint(BaseFingerprint.Compute(stack, lower.Layout.BlockCount));
        }
        return errno;
    }

    /// <summary>Lets another overlay with the same layers take over; the cowfile on top is thrown away with all that is in it.</summary>
    /// <param name="next">The overlay; after an error it is still the caller's.</param>
    /// <param name="commit">
    /// Puts the new cowfile in the place of the old one; called once, while no change runs. An error says that nothing has changed.
    /// </param>
    public Errno Replace(Overlay next, Func<Errno> commit)
    {
        ArgumentNullException.ThrowIfNull(next);
        ArgumentNullException.ThrowIfNull(commit);
        return _top.Retire(commit, next, () => _top = next);
    }

    /// <summary>
    /// Makes the layers below the top one flat stack again, after a snapshot, and gives back what only former requests could still need. For that it waits
    /// until they have ended.
    /// </summary>
    /// <param name="stack">What the top lies on.</param>
    /// <param name="former">The overlay that was sealed.</param>
    /// <param name="allocateZeroedWords">Memory, as for a bitmap.</param>
    /// <exception cref="CowloopException">A bitmap can't be read; everything goes on as it is.</exception>
    public void Settle(LayerStack stack, Overlay former, Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        ArgumentNullException.ThrowIfNull(stack);
        ArgumentNullException.ThrowIfNull(former);
        Action release = stack.Flatten(allocateZeroedWords);
        _requests.WaitForEarlier();
        release();
        former.DisposeSealed();
    }

    /// <summary>
    /// Takes the topmost layer away, whose blocks the one below it holds by now, and ties the cowfile on top to that one. What is read is the same before
    /// and after.
    /// </summary>
    /// <param name="stack">What the top lies on.</param>
    /// <param name="merged">The layer below as it is now; it goes on using the same file.</param>
    /// <param name="path">Where that is, seen from the cowfile on top.</param>
    /// <param name="allocateZeroedWords">Memory, as for a bitmap.</param>
    /// <param name="release">To be given to <see cref="Release"/>; null after an error.</param>
    /// <returns>An error when the cowfile on top can't be changed; then all is as it was.</returns>
    /// <exception cref="CowloopException">
    /// A bitmap can't be read; the device goes on with all layers, and its cowfile may be tied to the lower one, which is as good.
    /// </exception>
    public Errno DropLayer(LayerStack stack, Layer merged, string path, Func<int, IMemoryOwner<ulong>> allocateZeroedWords, out Action? release)
    {
        ArgumentNullException.ThrowIfNull(stack);
        ArgumentNullException.ThrowIfNull(merged);
        release = null;
        Errno errno = _top.SetParent(merged.ToLink(path));
        if (errno == Errno.None)
        {
            release = stack.DropTop(merged, allocateZeroedWords);
        }
        return errno;
    }

    /// <summary>Gives back what only requests can still see that began before; waits until they have ended.</summary>
    public void Release(Action release)
    {
        ArgumentNullException.ThrowIfNull(release);
        _requests.WaitForEarlier();
        release();
    }

    /// <summary>Closes the cowfile that was thrown away by <see cref="Replace"/>, as soon as no request can be using it.</summary>
    /// <param name="former">Its overlay.</param>
    public void Discard(Overlay former)
    {
        ArgumentNullException.ThrowIfNull(former);
        _requests.WaitForEarlier();
        former.DisposeTop();
    }

    /// <summary>Makes the cowfile clean and closes all files; see <see cref="Overlay.Close"/>.</summary>
    public Errno Close(Action? discardLiveBits = null) => _top.Close(discardLiveBits);

    /// <summary>Closes all files as they are; see <see cref="Overlay.Dispose"/>.</summary>
    public void Dispose() => _top.Dispose();
}
