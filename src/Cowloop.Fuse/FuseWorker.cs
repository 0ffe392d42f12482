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

    // Null when a parked request has taken the last one.
    private NativeBuffer? _buffer = NewBuffer();

    /// <summary>Serves until the filesystem is gone or the pool has idle workers enough.</summary>
    /// <returns>True when the pool knows already that the worker has left.</returns>
    public bool Run()
    {
        _ = HostProcess.TryBecomeIoFlusher();
        while (true)
        {
            NativeBuffer buffer = _buffer ??= NewBuffer();
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

    public void Dispose() => _buffer?.Dispose();

    private static NativeBuffer NewBuffer() => new(PayloadOffset + FuseDispatcher.MaxTransferBytes);

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
            Serve(buffer, request);
            return;
        }
        if (!lane.TryEnter(buffer, lengthBytes))
        {
            _buffer = null;
            return;
        }
        Serve(buffer, request);
        while (lane.TryExitToNext(out ParkedRequest next))
        {
            using NativeBuffer parkedIn = next.Buffer;
            // It was looked at when it was parked.
            _ = FuseRequest.TryParse(parkedIn.Span.Slice(RequestOffset, next.LengthBytes), out FuseRequest parked);
            Serve(parkedIn, parked);
            pool.Progress();
        }
    }

    private void Serve(NativeBuffer buffer, FuseRequest request)
    {
        // The reply overwrites the request.
        ulong unique = request.Unique;
        FuseOpcode opcode = request.Opcode;
        var reply = new FuseReply(buffer.Span[ReplyOffset..]);
        Errno? result;
        int payloadBytes = 0;
        try
        {
            result = dispatcher.Dispatch(request, reply, out payloadBytes);
        }
#pragma warning disable CA1031 // The last resort of a worker: a bug must not take the other devices down.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            log($"{opcode} failed unexpectedly: {exception}");
            result = Errno.EIO;
        }
        if (result is Errno errno)
        {
            Errno sent = device.Send(reply.Finish(unique, errno, payloadBytes));
            // ENOENT: nobody waits for this reply any more.
            if (sent is not (Errno.None or Errno.ENOENT or Errno.ENODEV))
            {
                log($"reply to {opcode} refused: {sent.Text()}");
            }
        }
    }
}
