using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Live;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>
/// One random session: the same operations on a device whose cowfile is in a compact store, on one with an ordinary cowfile, and on a plain array; compared
/// after each. A seed makes the same session again.
/// </summary>
internal sealed class CompactRun : IDisposable
{
    private static readonly LiveKey Key = new(CompactStores.BootOf(1), 1, 2);

    private readonly Random _random;
    private readonly byte[] _content;
    private readonly ReferenceDisk _reference;
    private readonly CowfileOptions _options;
    private readonly MemoryFile _store;
    private readonly MemoryFile _classic = new();
    private readonly int[] _weights;
    private readonly int _reach;
    private MemoryFile _storeLive = new();
    private MemoryFile _classicLive = new();
    private Overlay _compact;
    private Overlay _other;
    private int _boot = 1;
    private int _step;

    private CompactRun(int seed, int chunkBytes, int blockCount)
    {
        _random = new Random(seed);
        _content = Fixtures.RandomBytes(_random, blockCount * 1024);
        _reference = new ReferenceDisk(_content);
        _options = _random.Next(2) == 0 ? Disk.Plain : Disk.WithRecord;
        _store = CompactStores.New(blockCount, chunkBytes);
        _store.CanAllocate = _random.Next(4) != 0;
        _reach = Math.Min(_reference.Length, 3 * chunkBytes);
        _weights = [_random.Next(1, 12), _random.Next(0, 8), _random.Next(0, 4), _random.Next(0, 3), _random.Next(0, 3), _random.Next(0, 3)];
        (_compact, _other) = OpenBoth(hasDied: false);
    }

    /// <summary>Runs a number of operations; a failure names the seed.</summary>
    public static void Check(int seed, int chunkBytes, int blockCount, int stepCount)
    {
        using var run = new CompactRun(seed, chunkBytes, blockCount);
        try
        {
            for (; run._step < stepCount; run._step++)
            {
                run.Step();
            }
            run.Reopen();
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"seed {seed}, chunks of {chunkBytes}, {blockCount} blocks, step {run._step}: {exception.Message}", exception);
        }
    }

    public void Dispose()
    {
        _compact.Dispose();
        _other.Dispose();
    }

    private void Step()
    {
        int operation = _random.Pick(_weights);
        bool fua = _random.Next(8) == 0;
        (int offset, int length) = Range();
        switch (operation)
        {
            case 0:
                byte[] data = Fixtures.RandomBytes(_random, length);
                Both(device => device.Write(offset, data, fua));
                _reference.Write(offset, data);
                break;
            case 1:
                bool mayUnmap = _random.Next(3) != 0;
                Both(device => device.Zero(offset, length, mayUnmap, fua));
                _reference.Zero(offset, length);
                break;
            case 2:
                Both(device => device.Flush());
                break;
            case 3:
                Both(device => device.Clean());
                break;
            case 4:
                Kill();
                break;
            default:
                Reopen();
                break;
        }
        int from = Math.Max(0, offset - 3000);
        MustBeSame(from, Math.Min(_reference.Length - from, length + 6000));
    }

    private void Both(Func<Overlay, Errno> act)
    {
        Assert.Equal(Errno.None, act(_compact));
        Assert.Equal(Errno.None, act(_other));
    }

    /// <summary>The service dies; the next one finds all that was acknowledged.</summary>
    private void Kill()
    {
        _compact.Dispose();
        _other.Dispose();
        (_compact, _other) = OpenBoth(hasDied: true);
        MustBeSame(0, _reference.Length);
    }

    private void Reopen()
    {
        Both(device => device.Close());
        MustBeTheSameCowfile();
        _boot += _random.Next(2);
        (_compact, _other) = OpenBoth(hasDied: false);
        MustBeSame(0, _reference.Length);
    }

    /// <summary>Header, bitmap and the blocks that have a bit are the same; what else lies in the one or the other is nothing.</summary>
    private void MustBeTheSameCowfile()
    {
        MemoryFile copy = CompactStores.PlainCopy(_store, _boot);
        CowLayout layout = _other.Layout;
        byte[] found = copy.ToArray();
        byte[] expected = new byte[layout.FullLengthBytes];
        Assert.Equal(Errno.None, _classic.ReadAt(0, expected.AsSpan(0, (int)_classic.LengthBytes)));
        Assert.Equal(layout.FullLengthBytes, found.Length);
        Assert.True(found.AsSpan(0, (int)layout.DataOffsetBytes).SequenceEqual(expected.AsSpan(0, (int)layout.DataOffsetBytes)), "header or bitmap differs");
        Assert.Equal(_reference.Content.ToArray(), AtRest.View(_content, found));
        Assert.Empty(Checker.Run(AtRest.Named(CompactStores.Open(_store, _boot)), new CheckedFile(new FlatFile(_content), Disk.BaseName), NobodyWatches.Instance));
        // What the tables owe the file may be written; nothing of it shows.
        _ = AtRest.Repair(CompactStores.Open(_store, _boot));
        Assert.Null(CompactStores.PlainCopy(_store, _boot).DifferenceFrom(copy));
    }

    private (Overlay Compact, Overlay Classic) OpenBoth(bool hasDied)
    {
        Overlay compact = Open(CompactStores.Open(_store, _boot), ref _storeLive, hasDied);
        return (compact, Open(_classic, ref _classicLive, hasDied));
    }

    private Overlay Open(IBlockFile file, ref MemoryFile live, bool hasDied)
    {
        MemoryFile kept = live;
        CowfileOptions options = _options with { FindKeptBits = header => hasDied ? KeptBits.Find(kept, Key, header.Span) : null };
        Cowfile cowfile = Disk.OpenCowfile(new FlatFile(_content), file, options);
        live = new MemoryFile();
        return new Overlay(new FlatFile(_content), cowfile, 512, new LiveBits(live, Key));
    }

    private (int Offset, int Length) Range()
    {
        int offset = _random.Next(_reference.Length + 1);
        int length = _random.Next(8) switch
        {
            0 => _reference.Length,
            1 or 2 => _random.Next(_reach),
            3 => _reach / 1024 * 1024,
            _ => _random.Next(5 * 1024),
        };
        offset -= _random.Next(4) switch
        {
            0 => offset % 512,
            1 => offset % 4096,
            2 => offset % (_reach / 3 + 1),
            _ => 0,
        };
        return (offset, Math.Min(length, _reference.Length - offset));
    }

    private void MustBeSame(int offset, int length)
    {
        ReadOnlySpan<byte> found = _compact.Get(offset, length);
        int same = found.CommonPrefixLength(_reference.Content.Slice(offset, length));
        Assert.True(same == length, $"differs at byte {offset + same}");
    }
}
