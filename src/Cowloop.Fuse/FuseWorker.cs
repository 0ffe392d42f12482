using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Fuse;

/// <summary>
/// One thread of the pool with its own buffer: takes a request, does it, replies; no queue and no hand-over in between.
/// </summary>
internal sealed class FuseWorker(FuseDevice device, FuseDispatcher dispatcher, FuseWorkerPool pool, Action<string> log) : IDisposable
{
    // The payload of a request and of a reply both start on the same page boundary. A write's headers take the 80 bytes
    // in front of it, a reply's header the last 16 of these.
    private const int PayloadOffset = NativeBuffer.AlignmentBytes;
    private const int RequestOffset = PayloadOffset - 80;
    private const int ReplyOffset = PayloadOffset - FuseReply.HeaderBytes;

    /// <summary>What the largest request needs.</summary>
    public const int BufferBytes = PayloadOffset + FuseDispatcher.MaxTransferBytes;

    // Room for a request without data, and for the reply to a change.
    private const int SmallBufferBytes = PayloadOffset + 64;

    // Null at first, and when a parked request has taken the last one.
    private NativeBuffer? _buffer;

    // Taken for the first large read; null before that, and for good where there was none.
    private PagePipe? _pipe;
    private bool _hasNoPipe;

    /// <summary>Serves until the filesystem is gone or the pool has idle workers enough.</summary>
    /// <param name="retried">A lane whose requests that wait for space are tried again before anything else; their retry ends here.</param>
    /// <returns>True when the pool knows already that the worker has left.</returns>
    public bool Run(RequestLane? retried)
    {
        // Whoever runs the process says once, for all of it, what this does when it is refused.
        _ = HostProcess.TryBecomeIoFlusher();
        if (retried is not null && Retry(retried))
        {
            return true;
        }
        while (true)
        {
            NativeBuffer buffer = _buffer ??= pool.TakeBuffer();
            Errno errno = device.Receive(buffer.Span[RequestOffset..], out int lengthBytes);
            switch (errno)
            {
                case Errno.None:
                    break;
                case Errno.EINTR or Errno.ENOENT or Errno.EAGAIN:
                    continue;
                case Errno.ENODEV:
                    return false;
                default:
                    log($"worker cannot receive FUSE requests: {errno.Text()}");
                    return false;
            }
            pool.Begin();
            try
            {
                Take(buffer, lengthBytes);
            }
            finally
            {
                pool.End();
            }
            if (pool.TryLeave())
            {
                return true;
            }
        }
    }

    public void Dispose()
    {
        _buffer?.Dispose();
        if (_pipe is not null)
        {
            pool.Return(_pipe);
        }
    }

    /// <summary>Answers a request that has waited for space in vain.</summary>
    /// <param name="device">Takes the answer.</param>
    /// <param name="waiter">The request; its buffer ends here.</param>
    /// <param name="log">Hears of an answer that is refused.</param>
    public static void Fail(FuseDevice device, SpaceWaiter waiter, Action<string> log)
    {
        using NativeBuffer buffer = waiter.Request.Buffer;
        Answer(device, buffer, RequestIn(buffer, waiter.Request.LengthBytes), waiter.Cause, 0, log);
    }

    /// <summary>Serves the request in the buffer, or parks it there; and what was parked behind it.</summary>
    private void Take(NativeBuffer buffer, int lengthBytes)
    {
        if (!FuseRequest.TryParse(buffer.Span.Slice(RequestOffset, lengthBytes), out FuseRequest request))
        {
            log($"malformed FUSE request of {lengthBytes} bytes");
            return;
        }
        RequestLane? lane = dispatcher.LaneOf(request);
        if (lane is null)
        {
            Serve(buffer, lengthBytes, null);
            return;
        }
        if (!lane.TryEnter(buffer, lengthBytes))
        {
            _buffer = null;
            return;
        }
        Serve(buffer, lengthBytes, lane);
        ServeParked(lane);
    }

    /// <summary>Serves what was parked behind a request, and leaves the lane.</summary>
    private void ServeParked(RequestLane lane)
    {
        while (lane.TryExitToNext(out ParkedRequest next))
        {
            using NativeBuffer parkedIn = next.Buffer;
            Serve(parkedIn, next.LengthBytes, lane);
            pool.Progress();
        }
    }

    /// <summary>Tries the requests of a lane that wait for space again: one, and as long as there is space the others.</summary>
    /// <returns>True when the pool has idle workers enough.</returns>
    private bool Retry(RequestLane lane)
    {
        pool.Begin();
        try
        {
            if (lane.TryEnter())
            {
                while (lane.Space.TryTake(out SpaceWaiter waiter) && TryServeAgain(lane, waiter))
                {
                    pool.Progress();
                }
                ServeParked(lane);
            }
        }
        finally
        {
            lane.Space.EndRetry();
            pool.End();
        }
        return pool.TryLeave();
    }

    /// <returns>False when there still is no space.</returns>
    private bool TryServeAgain(RequestLane lane, SpaceWaiter waiter)
    {
        (NativeBuffer buffer, int lengthBytes) = waiter.Request;
        Errno? result = Execute(buffer, lengthBytes, out int payloadBytes);
        bool isDone = result is not Errno errno || !errno.IsLackOfSpace();
        if (isDone)
        {
            lane.Space.Complete(Environment.TickCount64);
        }
        else if (lane.Space.TryReturn(waiter, Environment.TickCount64))
        {
            return false;
        }
        using (buffer)
        {
            Answer(device, buffer, RequestIn(buffer, lengthBytes), result, payloadBytes, log);
        }
        return isDone;
    }

    private void Serve(NativeBuffer buffer, int lengthBytes, RequestLane? lane)
    {
        if (TryServeByPages(RequestIn(buffer, lengthBytes)))
        {
            return;
        }
        Errno? result = Execute(buffer, lengthBytes, out int payloadBytes);
        if (lane is not null && result is Errno errno && errno.IsLackOfSpace())
        {
            if (TryWaitForSpace(buffer, lengthBytes, lane, errno))
            {
                return;
            }
            lane.Space.AddFailed(errno);
        }
        Answer(device, buffer, RequestIn(buffer, lengthBytes), result, payloadBytes, log);
    }

    /// <summary>Serves a large read with the pages that it reads.</summary>
    /// <returns>False when it is none, or anything is in the way, an error too: then it is to be served like any other request.</returns>
    private bool TryServeByPages(FuseRequest request)
    {
        if (_hasNoPipe || !dispatcher.IsLargeRead(request, out FuseFile? file, out long offsetBytes, out int lengthBytes))
        {
            return false;
        }
        _pipe ??= pool.TryTakePipe();
        if (_pipe is null)
        {
            _hasNoPipe = true;
            return false;
        }
        Span<byte> header = stackalloc byte[FuseReply.HeaderBytes];
        FuseReply.PutHeader(header, request.Unique, Errno.None, FuseReply.HeaderBytes + lengthBytes);
        bool isRead = false;
        try
        {
            isRead = _pipe.Put(header) == Errno.None && file.ReadTo(offsetBytes, lengthBytes, _pipe) == Errno.None;
        }
#pragma warning disable CA1031 // As in Execute, which meets it next, and tells.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
        if (!isRead)
        {
            _pipe.Drop();
            return false;
        }
        Check(device.Send(_pipe), request.Opcode, log);
        return true;
    }

    /// <summary>Leaves a request to those that wait for space, if it may; in memory of its own size, for many may come.</summary>
    private bool TryWaitForSpace(NativeBuffer buffer, int lengthBytes, RequestLane lane, Errno errno)
    {
        if (!lane.Space.MayWait)
        {
            return false;
        }
        NativeBuffer copy;
        try
        {
            copy = new NativeBuffer(Math.Max(RequestOffset + lengthBytes, SmallBufferBytes));
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
        buffer.Span.Slice(RequestOffset, lengthBytes).CopyTo(copy.Span[RequestOffset..]);
        if (!lane.Space.TryAdd(new ParkedRequest(copy, lengthBytes), errno, Environment.TickCount64))
        {
            copy.Dispose();
            return false;
        }
        pool.WatchSpace(lane);
        return true;
    }

    private Errno? Execute(NativeBuffer buffer, int lengthBytes, out int payloadBytes)
    {
        FuseRequest request = RequestIn(buffer, lengthBytes);
        payloadBytes = 0;
        try
        {
            return dispatcher.Dispatch(request, new FuseReply(buffer.Span[ReplyOffset..]), out payloadBytes);
        }
#pragma warning disable CA1031 // The last resort of a worker: a bug must not take the other devices down.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            log($"{request.Opcode} failed unexpectedly: {exception}");
            return Errno.EIO;
        }
    }

    private static void Answer(FuseDevice device, NativeBuffer buffer, FuseRequest request, Errno? result, int payloadBytes, Action<string> log)
    {
        if (result is not Errno errno)
        {
            return;
        }
        // The reply overwrites the request.
        ulong unique = request.Unique;
        FuseOpcode opcode = request.Opcode;
        // The kernel's block layer knows one kind of it.
        Errno answer = errno.IsLackOfSpace() ? Errno.ENOSPC : errno;
        Check(device.Send(new FuseReply(buffer.Span[ReplyOffset..]).Finish(unique, answer, payloadBytes)), opcode, log);
    }

    private static void Check(Errno sent, FuseOpcode opcode, Action<string> log)
    {
        // ENOENT: nobody waits for this reply any more.
        if (sent is not (Errno.None or Errno.ENOENT or Errno.ENODEV))
        {
            log($"reply to {opcode} refused: {sent.Text()}");
        }
    }

    /// <summary>The request in a buffer; it was looked at when it came.</summary>
    private static FuseRequest RequestIn(NativeBuffer buffer, int lengthBytes)
    {
        _ = FuseRequest.TryParse(buffer.Span.Slice(RequestOffset, lengthBytes), out FuseRequest request);
        return request;
    }
}
