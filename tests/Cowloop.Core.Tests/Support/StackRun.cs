using Cowloop.Core.Devices;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Tests.Support;

/// <summary>One random session with a stack, compared with a plain array and with what it held at each snapshot. A seed makes the same session again.</summary>
internal sealed class StackRun : IDisposable
{
    private readonly Random _random;
    private readonly Stack _stack;
    private readonly int[] _weights;
    private ReferenceDisk _reference;
    private int _step;

    private StackRun(int seed, int blockCount)
    {
        _random = new Random(seed);
        byte[] content = Fixtures.RandomBytes(_random, blockCount * 1024);
        _stack = new Stack(content, seed);
        _reference = new ReferenceDisk(content);
        _weights = [_random.Next(2, 10), _random.Next(0, 6), _random.Next(0, 4), _random.Next(1, 5), _random.Next(0, 3), _random.Next(0, 3), _random.Next(0, 3)];
    }

    /// <summary>Runs a number of operations; a failure names the seed.</summary>
    public static void Check(int seed, int stepCount, int blockCount)
    {
        using var run = new StackRun(seed, blockCount);
        try
        {
            for (; run._step < stepCount; run._step++)
            {
                run.Step();
            }
            run.CheckAll();
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"seed {seed}, {blockCount} blocks, step {run._step}: {exception.Message}", exception);
        }
    }

    public void Dispose() => _stack.Dispose();

    private void Step()
    {
        int pick = _random.Next(_weights.Sum());
        int operation = 0;
        while (pick >= _weights[operation])
        {
            pick -= _weights[operation++];
        }
        switch (operation)
        {
            case 0:
                (int offset, byte[] data) = Change();
                Assert.Equal(Errno.None, _stack.Device.Write(offset, data, _random.Next(8) == 0));
                _reference.Write(offset, data);
                break;
            case 1:
                (offset, data) = Change();
                Assert.Equal(Errno.None, _stack.Device.Zero(offset, data.Length, _random.Next(2) == 0, _random.Next(8) == 0));
                _reference.Zero(offset, data.Length);
                break;
            case 2:
                Assert.Equal(Errno.None, _stack.Device.Flush());
                break;
            case 3 when _stack.Layers.Count < LayerStack.MaxLayers:
                _stack.Snapshot(_reference.Content, settle: _random.Next(6) != 0);
                break;
            case 4:
                _stack.Rollback();
                _reference = new ReferenceDisk(_stack.States[^1]);
                break;
            case 5:
                _stack.Reopen();
                break;
            case 6:
                Fork();
                break;
        }
        MustShow(_reference.Content, _stack.Device);
    }

    /// <summary>What is done to a fork concerns nobody else.</summary>
    private void Fork()
    {
        int layerCount = _random.Next(_stack.Layers.Count + 1);
        using StackDevice fork = _stack.Fork(layerCount);
        var reference = new ReferenceDisk(_stack.States[layerCount]);
        MustShow(reference.Content, fork);
        for (int change = 0; change < 3; change++)
        {
            (int offset, byte[] data) = Change();
            Assert.Equal(Errno.None, fork.Write(offset, data, fua: false));
            reference.Write(offset, data);
        }
        MustShow(reference.Content, fork);
        Assert.Equal(Errno.None, fork.Close());
    }

    private void CheckAll()
    {
        _stack.Reopen();
        MustShow(_reference.Content, _stack.Device);
        for (int layerCount = 0; layerCount <= _stack.Layers.Count; layerCount++)
        {
            using StackDevice fork = _stack.Fork(layerCount);
            MustShow(_stack.States[layerCount], fork);
        }
        Assert.Equal(Errno.None, _stack.Device.Close());
        CowfileCheck.AssertClean(_stack.Top, _stack.Device.Top.Layout);
    }

    private (int Offset, byte[] Data) Change()
    {
        int offset = _random.Next(_reference.Length);
        int length = Math.Min(_reference.Length - offset, _random.Next(3) == 0 ? _random.Next(20_000) : _random.Next(3000));
        return (offset, Fixtures.RandomBytes(_random, length));
    }

    private static void MustShow(ReadOnlySpan<byte> expected, StackDevice device)
    {
        int same = device.GetAll().AsSpan().CommonPrefixLength(expected);
        Assert.True(same == expected.Length, $"differs at byte {same}");
    }
}
