using System.Globalization;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>
/// One random session with devices that share layers, each compared with a plain array of its own. This part uses the devices; StackRun.Maintenance.cs works
/// on their cowfiles. A seed makes the same session again.
/// </summary>
internal sealed partial class StackRun : IDisposable
{
    private const int MaxDisks = 3;

    private readonly Random _random;
    private readonly List<StackDisk> _disks = [];
    private readonly List<string> _log = [];
    private readonly (int Weight, Action<StackDisk> Do)[] _operations;
    private int _nodeCount;
    private int _diskCount;

    private StackRun(int seed, int blockCount)
    {
        _random = new Random(seed);
        // Each run prefers other operations: a list in which everything is equally likely finds less.
        _operations =
        [
            (_random.Next(4, 20), Write),
            (_random.Next(0, 8), Zero),
            (_random.Next(0, 4), Flush),
            (_random.Next(2, 8), Snapshot),
            (_random.Next(0, 3), Rollback),
            (_random.Next(0, 3), Reopen),
            (_random.Next(1, 4), Fork),
            (_random.Next(0, 2), Remove),
            (_random.Next(0, 4), MergeLive),
            (_random.Next(0, 3), MergeIntoLayer),
            (_random.Next(0, 3), MergeIntoNew),
            (_random.Next(0, 3), Compact),
            (_random.Next(0, 3), Rebase),
            (_random.Next(0, 2), RebaseOntoOtherBase),
            (_random.Next(0, 2), MergeIntoBase),
            (_random.Next(0, 2), Flatten),
        ];
        byte[] content = Fixtures.RandomBytes(_random, blockCount * CowLayout.BlockSize + RandomTail());
        for (int block = 0; block < blockCount; block++)
        {
            if (_random.Next(4) == 0)
            {
                content.AsSpan(block * CowLayout.BlockSize, CowLayout.BlockSize).Clear();
            }
        }
        Add(NewTop(null, content, RandomSize(null, content)));
    }

    /// <summary>Runs a number of operations; a failure names the seed and what was done.</summary>
    public static void Check(int seed, int stepCount, int blockCount)
    {
        using var run = new StackRun(seed, blockCount);
        try
        {
            for (int step = 0; step < stepCount; step++)
            {
                run.Step();
            }
            run.CheckAll();
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"seed {seed}, {stepCount} steps, {blockCount} blocks: {exception.Message}\n{string.Join('\n', run._log)}",
                exception);
        }
    }

    public void Dispose()
    {
        foreach (StackDisk disk in _disks)
        {
            disk.Dispose();
        }
    }

    private void Step()
    {
        int pick = _random.Next(_operations.Sum(operation => operation.Weight));
        int index = 0;
        while (pick >= _operations[index].Weight)
        {
            pick -= _operations[index++].Weight;
        }
        StackDisk disk = _disks[_random.Next(_disks.Count)];
        _operations[index].Do(disk);
        foreach (StackDisk other in _disks)
        {
            Assert.True(other.IsOpen, $"{other} is not open");
            other.MustShow();
        }
    }

    private void Write(StackDisk disk)
    {
        (int offset, int length) = Range(disk.Top.View.Length);
        Log($"write {disk} {offset}+{length}");
        byte[] data = Fixtures.RandomBytes(_random, length);
        if (_random.Next(4) == 0)
        {
            // What compacting takes out.
            StackNode.ViewOf(disk.Top.Lower, disk.Top.Base, disk.Top.View.Length).AsSpan(offset, length).CopyTo(data);
        }
        Assert.Equal(Errno.None, disk.Device.Write(offset, data, _random.Next(8) == 0));
        data.CopyTo(disk.Top.View, offset);
    }

    private void Zero(StackDisk disk)
    {
        (int offset, int length) = Range(disk.Top.View.Length);
        Log($"zero {disk} {offset}+{length}");
        Assert.Equal(Errno.None, disk.Device.Zero(offset, length, _random.Next(2) == 0, _random.Next(8) == 0));
        disk.Top.View.AsSpan(offset, length).Clear();
    }

    private void Flush(StackDisk disk)
    {
        Log($"flush {disk}");
        Assert.Equal(Errno.None, disk.Device.Flush());
    }

    private void Snapshot(StackDisk disk)
    {
        if (disk.Top.Chain.Count > LayerStack.MaxLayers)
        {
            return;
        }
        StackNode next = NewTop(disk.Top, disk.Top.Base, disk.Top.View.Length);
        bool settle = _random.Next(6) != 0;
        Log($"snapshot {disk}: {disk.Top} is sealed, {next} takes the changes{(settle ? "" : ", not settled")}");
        disk.Snapshot(next, NewId(), settle);
    }

    private void Rollback(StackDisk disk)
    {
        StackNode next = NewTop(disk.Top.Lower, disk.Top.Base, disk.Top.View.Length);
        Log($"rollback {disk}: {next} instead of {disk.Top}");
        disk.Rollback(next, NewId());
    }

    private void Reopen(StackDisk disk)
    {
        Log($"reopen {disk}");
        disk.Close();
        disk.Open(NewId());
    }

    /// <summary>Makes another device on what a device lies on, or on a part of it.</summary>
    private void Fork(StackDisk disk)
    {
        if (_disks.Count == MaxDisks)
        {
            Remove(_disks[_random.Next(MaxDisks)]);
        }
        IReadOnlyList<StackNode> chain = StackNode.ChainOf(disk.Top.Lower);
        int height = _random.Next(chain.Count + 1);
        Add(NewTopOn(height == 0 ? null : chain[height - 1], disk.Top.Base));
    }

    private void Remove(StackDisk disk)
    {
        if (_disks.Count == 1)
        {
            return;
        }
        Log($"remove {disk}");
        disk.Close();
        MustBeSound(disk.Top);
        _disks.Remove(disk);
    }

    private void CheckAll()
    {
        CloseAll();
        foreach (StackNode node in _disks.SelectMany(disk => disk.Top.Chain).Distinct())
        {
            MustBeSound(node);
            CowfileCheck.AssertClean(node.File, node.Layout);
        }
        OpenAll();
        foreach (StackNode node in _disks.SelectMany(disk => StackNode.ChainOf(disk.Top.Lower)).Distinct())
        {
            using var fork = new StackDisk($"fork of {node}", NewTop(node, node.Base, node.View.Length));
            fork.Open(NewId());
            fork.MustShow();
            fork.Close();
        }
        CloseAll();
    }

    private static void MustBeSound(StackNode node)
    {
        IReadOnlyList<Problem> problems = node.Lower is null
            ? Checker.Run(node.Checked, new CheckedFile(new FlatFile(node.Base), Disk.BaseName), NobodyWatches.Instance)
            : Checker.RunOnLayers(node.Checked, StackNode.Open(node.Lower, node.Base), NobodyWatches.Instance);
        Assert.True(problems.Count == 0, $"{node}: {string.Join("; ", problems.Select(problem => problem.Text))}");
    }

    private void CloseAll()
    {
        foreach (StackDisk disk in _disks)
        {
            disk.Close();
        }
    }

    private void OpenAll()
    {
        foreach (StackDisk disk in _disks)
        {
            disk.Open(NewId());
            disk.MustShow();
        }
    }

    private StackDisk Add(StackNode top)
    {
        var disk = new StackDisk($"D{++_diskCount}", top);
        Log($"{disk} is {string.Join(' ', top.Chain)} of {top.View.Length} bytes on a base of {top.Base.Length}");
        _disks.Add(disk);
        disk.Open(NewId());
        return disk;
    }

    private StackNode NewTopOn(StackNode? lower, byte[] baseContent) => NewTop(lower, baseContent, RandomSize(lower, baseContent));

    private StackNode NewTop(StackNode? lower, byte[] baseContent, int deviceBytes)
    {
        var file = new MemoryFile { CanPunch = _random.Next(8) != 0, CanAllocate = _random.Next(8) != 0 };
        return new StackNode(NewName(), file, lower, baseContent, StackNode.ViewOf(lower, baseContent, deviceBytes));
    }

    /// <summary>The size of what lies below, or more.</summary>
    private int RandomSize(StackNode? lower, byte[] baseContent)
    {
        int blockCount = (lower?.View ?? baseContent).Length / CowLayout.BlockSize;
        return (blockCount + (_random.Next(6) == 0 ? _random.Next(1, 40) : 0)) * CowLayout.BlockSize;
    }

    /// <summary>Bytes of a base that are not a block.</summary>
    private int RandomTail() => _random.Next(3) switch
    {
        0 => 512,
        1 => _random.Next(CowLayout.BlockSize),
        _ => 0,
    };

    private (int Offset, int Length) Range(int deviceBytes)
    {
        int offset = _random.Next(deviceBytes);
        int length = Math.Min(deviceBytes - offset, _random.Next(3) == 0 ? _random.Next(20_000) : _random.Next(3000));
        return (offset, length);
    }

    private string NewName() => string.Create(CultureInfo.InvariantCulture, $"{++_nodeCount}.cow");

    private Guid NewId() => new(Fixtures.RandomBytes(_random, 16));

    private void Log(string what) => _log.Add(what);
}
