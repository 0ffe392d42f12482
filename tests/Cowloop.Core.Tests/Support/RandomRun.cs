using Cowloop.Core.Devices;
using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>
/// One random session: a list of operations done on an overlay and on the plain reference, compared after each. A seed
/// makes the same session again.
/// </summary>
internal sealed class RandomRun : IDisposable
{
    private readonly Random _random;
    private readonly IBlockFile _base;
    private readonly ReferenceDisk _reference;
    private readonly MemoryFile _store = new();
    private readonly int _focus;
    private readonly int[] _weights;
    private readonly CowfileOptions _options;
    private Overlay _overlay;
    private int _step;

    /// <param name="seed">Decides everything.</param>
    /// <param name="blockCount">Size of the device.</param>
    /// <param name="focus">Operations stay around this offset, or anywhere when it is negative.</param>
    public RandomRun(int seed, int blockCount, int focus = -1)
    {
        _random = new Random(seed);
        _focus = focus;
        byte[] content = Fixtures.RandomBytes(_random, blockCount * 1024 + (_random.Next(4) == 0 ? 512 : 0));
        _base = new FlatFile(content);
        _reference = new ReferenceDisk(content.AsSpan(0, blockCount * 1024));
        _store.CanPunch = _random.Next(8) != 0;
        _store.CanAllocate = _random.Next(8) != 0;
        // Each run prefers other operations: a list in which everything is equally likely finds less.
        _weights = [4, _random.Next(1, 12), _random.Next(0, 6), _random.Next(0, 4), _random.Next(0, 3), _random.Next(0, 3)];
        _options = _random.Next(2) == 0 ? Disk.Plain : Disk.WithRecord;
        _overlay = Disk.Open(_base, _store, _options);
    }

    /// <summary>Runs a number of operations; a failure names the seed.</summary>
    public static void Check(int seed, int stepCount, int blockCount, int focus = -1)
    {
        using var run = new RandomRun(seed, blockCount, focus);
        try
        {
            for (; run._step < stepCount; run._step++)
            {
                run.Step();
            }
            run.Reopen();
            Assert.Equal(Errno.None, run._overlay.Close());
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"seed {seed}, {blockCount} blocks, step {run._step}: {exception.Message}", exception);
        }
    }

    public void Dispose() => _overlay.Dispose();

    private void Step()
    {
        int operation = _random.Pick(_weights);
        bool fua = _random.Next(8) == 0;
        (int offset, int length) = Range();
        switch (operation)
        {
            case 0:
                AssertSame(offset, length);
                break;
            case 1:
                byte[] data = Fixtures.RandomBytes(_random, length);
                Assert.Equal(Errno.None, _overlay.Write(offset, data, fua));
                _reference.Write(offset, data);
                break;
            case 2:
                Assert.Equal(Errno.None, _overlay.Zero(offset, length, _random.Next(2) == 0, fua));
                _reference.Zero(offset, length);
                break;
            case 3:
                Assert.Equal(Errno.None, _overlay.Flush());
                break;
            case 4:
                Assert.Equal(Errno.None, _overlay.Clean());
                Assert.False(_overlay.IsDirty);
                break;
            default:
                Reopen();
                break;
        }
        AssertSame(Math.Max(0, offset - 3000), Math.Min(_reference.Length - Math.Max(0, offset - 3000), length + 6000));
    }

    private void Reopen()
    {
        Assert.Equal(Errno.None, _overlay.Close());
        CowfileCheck.AssertClean(_store, _overlay.Layout);
        _overlay = Disk.Open(_base, _store, _options);
        AssertSame(0, _reference.Length);
    }

    private (int Offset, int Length) Range()
    {
        int reach = Math.Min(_reference.Length, 12 * 1024);
        int offset = _focus < 0 ? _random.Next(_reference.Length + 1) : Math.Min(_reference.Length, _focus - reach / 2 + _random.Next(reach));
        int length = _random.Next(12) switch
        {
            0 => _random.Next(_reference.Length),
            1 or 2 or 3 => 512 * _random.Next(12),
            _ => _random.Next(5 * 1024),
        };
        if (_random.Next(3) == 0)
        {
            offset -= offset % 512;
        }
        return (offset, Math.Min(length, _reference.Length - offset));
    }

    private void AssertSame(int offset, int length)
    {
        ReadOnlySpan<byte> actual = _overlay.Get(offset, length);
        int same = actual.CommonPrefixLength(_reference.Content.Slice(offset, length));
        Assert.True(same == length, $"differs at byte {offset + same}");
        Assert.True(actual.SequenceEqual(_overlay.GetPieces(offset, length)), "the pieces differ");
    }
}
