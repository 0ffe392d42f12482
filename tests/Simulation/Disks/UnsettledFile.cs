using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>
/// What a loss of power could leave of a file: what was durable at the last sync and, of each sector changed since, either that or any version
/// that was written meanwhile, whatever the other sectors show. A punch lands sector by sector too. The length is one of those that the
/// file has had since; what lies behind it is lost.
/// </summary>
/// <param name="settled">What is certain, at the start all of the file. It is changed as syncs settle more. Not owned.</param>
public sealed class UnsettledFile(IBlockFile settled)
{
    /// <summary>What a disk writes in one piece.</summary>
    public const int SectorBytes = 512;

    private const int BufferBytes = 64 * 1024;

    private static readonly byte[] Zeros = new byte[SectorBytes];

    private readonly SortedDictionary<long, List<Version<ReadOnlyMemory<byte>>>> _sectors = [];
    private readonly List<Version<long>> _lengths = [];
    private readonly byte[] _buffer = new byte[SectorBytes];

    /// <summary>What is certain.</summary>
    public IBlockFile Settled => settled;

    /// <summary>Number of things that may have landed or not: sectors, and the length.</summary>
    public int PendingCount => _sectors.Count + (_lengths.Count > 0 ? 1 : 0);

    private long LengthBytes => _lengths.Count > 0 ? _lengths[^1].Content : settled.LengthBytes;

    /// <summary>A change has been made.</summary>
    public void Apply(LogEvent.Change change, int position)
    {
        ArgumentNullException.ThrowIfNull(change);
        long endBytes = change.Call.OffsetBytes + change.Call.LengthBytes;
        switch (change.Call.Op)
        {
            case FileOp.Write:
                ApplyWrite(change.Call.OffsetBytes, change.Data, position);
                break;
            case FileOp.Punch:
                Clear(change.Call.OffsetBytes, Math.Min(endBytes, LengthBytes), position);
                break;
            default:
                // What is cut off is gone, also if the file becomes longer again.
                Clear(change.LengthBytes, LengthBytes, position);
                break;
        }
        if (change.LengthBytes != LengthBytes)
        {
            _lengths.Add(new Version<long>(position, change.LengthBytes));
        }
    }

    /// <summary>What was changed before a position is durable.</summary>
    public void Settle(int position)
    {
        int lengthCount = CountBefore(_lengths, position);
        if (lengthCount > 0)
        {
            settled.SetLength(_lengths[lengthCount - 1].Content).MustBeNone();
            _lengths.RemoveRange(0, lengthCount);
        }
        var run = new SectorRun(settled, new byte[Math.Min(BufferBytes, _sectors.Count * SectorBytes)]);
        List<long>? done = null;
        foreach ((long sector, List<Version<ReadOnlyMemory<byte>>> versions) in _sectors)
        {
            int count = CountBefore(versions, position);
            if (count > 0)
            {
                run.Store(sector, versions[count - 1].Content.Span);
                versions.RemoveRange(0, count);
                if (versions.Count == 0)
                {
                    (done ??= []).Add(sector);
                }
            }
        }
        run.Flush();
        foreach (long sector in done ?? [])
        {
            _sectors.Remove(sector);
        }
    }

    /// <summary>Appends how many possibilities there are for each thing that is pending.</summary>
    public void AddOptions(List<int> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (_lengths.Count > 0)
        {
            options.Add(_lengths.Count + 1);
        }
        foreach (List<Version<ReadOnlyMemory<byte>>> versions in _sectors.Values)
        {
            options.Add(versions.Count + 1);
        }
    }

    /// <summary>Makes one of the possible files.</summary>
    /// <param name="choice">For each thing pending, as <see cref="AddOptions"/> has them: 0 for what is settled, else the number of the version.</param>
    /// <param name="target">A copy of <see cref="Settled"/>, which becomes that file.</param>
    public void Build(ReadOnlySpan<int> choice, IBlockFile target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (_lengths.Count > 0)
        {
            if (choice[0] > 0)
            {
                target.SetLength(_lengths[choice[0] - 1].Content).MustBeNone();
            }
            choice = choice[1..];
        }
        var run = new SectorRun(target, new byte[Math.Min(BufferBytes, _sectors.Count * SectorBytes)]);
        int index = 0;
        foreach ((long sector, List<Version<ReadOnlyMemory<byte>>> versions) in _sectors)
        {
            int version = choice[index++];
            if (version > 0)
            {
                run.Store(sector, versions[version - 1].Content.Span);
            }
        }
        run.Flush();
    }

    private static int CountBefore<T>(List<Version<T>> versions, int position)
    {
        int count = 0;
        while (count < versions.Count && versions[count].Position < position)
        {
            count++;
        }
        return count;
    }

    private void ApplyWrite(long offsetBytes, ReadOnlyMemory<byte> data, int position)
    {
        while (!data.IsEmpty)
        {
            long sector = offsetBytes / SectorBytes;
            int within = (int)(offsetBytes % SectorBytes);
            int lengthBytes = Math.Min(data.Length, SectorBytes - within);
            ReadOnlySpan<byte> latest = Latest(sector);
            if (!data.Span[..lengthBytes].SequenceEqual(latest.Slice(within, lengthBytes)))
            {
                ReadOnlyMemory<byte> content = data[..lengthBytes];
                if (lengthBytes < SectorBytes)
                {
                    byte[] patched = latest.ToArray();
                    content.Span.CopyTo(patched.AsSpan(within));
                    content = patched;
                }
                Add(sector, content, position);
            }
            offsetBytes += lengthBytes;
            data = data[lengthBytes..];
        }
    }

    private void Clear(long startBytes, long endBytes, int position)
    {
        while (startBytes < endBytes)
        {
            long sector = startBytes / SectorBytes;
            int within = (int)(startBytes % SectorBytes);
            int lengthBytes = (int)Math.Min(endBytes - startBytes, SectorBytes - within);
            ReadOnlySpan<byte> latest = Latest(sector);
            if (latest.Slice(within, lengthBytes).ContainsAnyExcept((byte)0))
            {
                byte[] patched = latest.ToArray();
                patched.AsSpan(within, lengthBytes).Clear();
                Add(sector, patched.AsSpan().ContainsAnyExcept((byte)0) ? patched : default(ReadOnlyMemory<byte>), position);
            }
            startBytes += lengthBytes;
            startBytes = NextContent(startBytes, endBytes);
        }
    }

    /// <summary>Skips what is a hole for certain.</summary>
    private long NextContent(long startBytes, long endBytes)
    {
        if (startBytes >= endBytes || _sectors.ContainsKey(startBytes / SectorBytes))
        {
            return startBytes;
        }
        settled.NextData(startBytes, out long dataBytes, out long dataEndBytes).MustBeNone();
        long nextBytes = dataEndBytes > dataBytes ? Math.Min(dataBytes, endBytes) : endBytes;
        if (_sectors.Count == 0)
        {
            return nextBytes;
        }
        while (startBytes < nextBytes && !_sectors.ContainsKey(startBytes / SectorBytes))
        {
            startBytes += SectorBytes;
        }
        return Math.Min(startBytes, nextBytes);
    }

    private void Add(long sector, ReadOnlyMemory<byte> content, int position)
    {
        if (!_sectors.TryGetValue(sector, out List<Version<ReadOnlyMemory<byte>>>? versions))
        {
            _sectors.Add(sector, versions = []);
        }
        versions.Add(new Version<ReadOnlyMemory<byte>>(position, content));
    }

    /// <summary>What a reader sees in a sector; zeros behind the end. Valid until the next call.</summary>
    private ReadOnlySpan<byte> Latest(long sector)
    {
        if (_sectors.TryGetValue(sector, out List<Version<ReadOnlyMemory<byte>>>? versions))
        {
            ReadOnlyMemory<byte> content = versions[^1].Content;
            return content.IsEmpty ? Zeros : content.Span;
        }
        int lengthBytes = (int)Math.Clamp(settled.LengthBytes - sector * SectorBytes, 0, SectorBytes);
        if (lengthBytes > 0)
        {
            settled.ReadAt(sector * SectorBytes, _buffer.AsSpan(0, lengthBytes)).MustBeNone();
        }
        _buffer.AsSpan(lengthBytes).Clear();
        return _buffer;
    }

    /// <param name="Position">When it was made.</param>
    /// <param name="Content">A sector's bytes, empty for a hole; or a length.</param>
    private readonly record struct Version<T>(int Position, T Content);
}
