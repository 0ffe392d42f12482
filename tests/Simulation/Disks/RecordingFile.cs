using Cowloop.Core;
using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>Records what changes a file, real or simulated, and what makes it durable.</summary>
/// <remarks>
/// Changes happen one at a time, so that the log has the order in which they took effect. A sync keeps nobody waiting, and its beginning and
/// end are two events, since what happens in between need not be covered.
/// </remarks>
/// <param name="inner">The file; owned.</param>
/// <param name="log">Gets the events.</param>
/// <param name="fileId">What the file is called in the log.</param>
public sealed class RecordingFile(IBlockFile inner, CallLog log, int fileId = 0) : IBlockFile
{
    private readonly Lock _changeLock = new();

    /// <summary>What the file is called in the log.</summary>
    public int FileId => fileId;

    public long LengthBytes => inner.LengthBytes;

    public Errno ReadAt(long offsetBytes, Span<byte> target) => inner.ReadAt(offsetBytes, target);

    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        lock (_changeLock)
        {
            Errno errno = inner.WriteAt(offsetBytes, source);
            byte[] data = source.ToArray();
            if (errno != Errno.None)
            {
                data = WhatIsThere(offsetBytes, data.Length);
            }
            Note(new FileCall(FileOp.Write, offsetBytes, data.Length), data);
            return errno;
        }
    }

    public Errno Punch(long offsetBytes, long lengthBytes)
    {
        lock (_changeLock)
        {
            Errno errno = inner.Punch(offsetBytes, lengthBytes);
            if (errno == Errno.None)
            {
                Note(new FileCall(FileOp.Punch, offsetBytes, lengthBytes));
            }
            else if (errno != Errno.EOPNOTSUPP)
            {
                byte[] data = WhatIsThere(offsetBytes, lengthBytes);
                Note(new FileCall(FileOp.Write, offsetBytes, data.Length), data);
            }
            return errno;
        }
    }

    public Errno SetLength(long lengthBytes)
    {
        lock (_changeLock)
        {
            Errno errno = inner.SetLength(lengthBytes);
            Note(new FileCall(FileOp.SetLength, 0, lengthBytes));
            return errno;
        }
    }

    public Errno Allocate(long offsetBytes, long lengthBytes)
    {
        lock (_changeLock)
        {
            Errno errno = inner.Allocate(offsetBytes, lengthBytes);
            Note(new FileCall(FileOp.Allocate, offsetBytes, lengthBytes));
            return errno;
        }
    }

    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes) =>
        inner.NextData(offsetBytes, out startBytes, out endBytes);

    public Errno Sync()
    {
        int beganAt = log.Add(new LogEvent.SyncBegan(fileId));
        Errno errno = inner.Sync();
        if (errno == Errno.None)
        {
            log.Add(new LogEvent.SyncEnded(fileId, beganAt));
        }
        return errno;
    }

    public void Dispose() => inner.Dispose();

    private void Note(FileCall call, ReadOnlyMemory<byte> data = default) =>
        log.Add(new LogEvent.Change(fileId, call, data, inner.LengthBytes));

    /// <summary>A change that failed may have been made in part.</summary>
    private byte[] WhatIsThere(long offsetBytes, long lengthBytes)
    {
        byte[] data = new byte[Math.Clamp(inner.LengthBytes - offsetBytes, 0, lengthBytes)];
        inner.ReadAt(offsetBytes, data).MustBeNone();
        return data;
    }
}
