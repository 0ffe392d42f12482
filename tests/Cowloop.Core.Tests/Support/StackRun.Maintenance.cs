using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

internal sealed partial class StackRun
{
    /// <summary>Folds the topmost layer into the one below it; the device goes on meanwhile, and nobody else uses the lower one.</summary>
    private void MergeLive(StackDisk disk)
    {
        disk.Settle();
        if (disk.Layers is not { Layers.Count: >= 2 })
        {
            return;
        }
        StackNode upper = disk.Top.Lower!;
        StackNode lower = upper.Lower!;
        Log($"merge live {disk}: {upper} into {lower}");
        if (IsRefusedForSize(upper, lower))
        {
            return;
        }
        foreach (StackDisk other in Others(disk, lower))
        {
            other.Close();
        }
        LayerMerger merger = Merge(upper, lower, () =>
        {
            disk.MustShow();
            Write(disk);
        });
        Layer former = disk.Layers.Layers[^2];
        disk.DropLayer(new Layer(former.File, former.Name, former.Layout, merger.Record));
        OpenThoseOn(lower, upper);
    }

    /// <summary>Writes a cowfile into the layer that it lies on.</summary>
    private void MergeIntoLayer(StackDisk disk)
    {
        IReadOnlyList<StackNode> chain = disk.Top.Chain;
        if (chain.Count < 2)
        {
            return;
        }
        int height = _random.Next(1, chain.Count);
        StackNode upper = chain[height];
        StackNode lower = chain[height - 1];
        Log($"merge {upper} into {lower}");
        CloseAll();
        if (!IsRefusedForSize(upper, lower))
        {
            LayerMerger merger = Merge(upper, lower, () => OpenThoseOn(lower, upper));
            LayerMerger.Relink(upper.Checked, merger.Record);
            OpenThoseOn(lower, upper);
            if (upper == disk.Top && _random.Next(2) == 0)
            {
                disk.Close();
                disk.Top = NewTop(lower, lower.Base, lower.View.Length);
                Log($"{disk} goes on with {disk.Top}");
                disk.Open(NewId());
            }
        }
        foreach (StackDisk other in _disks.Where(other => !other.IsOpen))
        {
            other.Open(NewId());
        }
    }

    /// <summary>Merges a cowfile into its layer, sometimes in two parts.</summary>
    /// <param name="upper">The cowfile.</param>
    /// <param name="lower">The layer; nobody uses it who would see it change.</param>
    /// <param name="meanwhile">What is done between the two parts. Devices that it opens and that use one of the two are closed again.</param>
    private LayerMerger Merge(StackNode upper, StackNode lower, Action meanwhile)
    {
        LayerMerger merger = LayerMerger.Prepare(upper.Checked, lower.Checked);
        if (merger.IsDone)
        {
            // It is no change then, for nobody.
            Assert.Equal(upper.View, lower.View);
        }
        else if (_random.Next(3) == 0)
        {
            try
            {
                merger.Run(new StoppingObserver(_random.Next(2, 4)));
            }
            catch (OperationCanceledException)
            {
                Log("it is interrupted");
                bool[] wereOpen = [.. _disks.Select(disk => disk.IsOpen)];
                StackDisk[] before = [.. _disks];
                meanwhile();
                for (int index = 0; index < before.Length; index++)
                {
                    if (!wereOpen[index])
                    {
                        before[index].Close();
                    }
                }
                merger = LayerMerger.Prepare(upper.Checked, lower.Checked);
                Assert.True(merger.IsInterrupted);
            }
        }
        merger.Run(NobodyWatches.Instance);
        lower.View = [.. upper.View];
        return merger;
    }

    /// <summary>Opens those that are at rest and use a layer: all but those that lie on it otherwise than through what was merged into it.</summary>
    private void OpenThoseOn(StackNode lower, StackNode upper)
    {
        foreach (StackDisk disk in _disks.Where(disk => !disk.IsOpen && disk.Top.Chain.Contains(lower)).ToArray())
        {
            StackNode child = disk.Top.Chain.First(node => node.Lower == lower);
            if (child == upper || TestStack.RecordOf(child.File).Parent!.Value.Generation == TestStack.RecordOf(lower.File).Generation)
            {
                disk.Open(NewId());
                disk.MustShow();
                continue;
            }
            Log($"{disk} is refused: {child} lies on {lower}");
            CowloopException refusal = Assert.Throws<CowloopException>(() => disk.Open(NewId()));
            Assert.Equal(Fault.OtherParent, refusal.Fault);
            Forget(disk);
        }
    }

    /// <summary>Makes a new cowfile of several, and puts what lies on them on that.</summary>
    private void MergeIntoNew(StackDisk disk)
    {
        IReadOnlyList<StackNode> chain = disk.Top.Chain;
        if (chain.Count < 2)
        {
            return;
        }
        int last = _random.Next(1, chain.Count);
        int first = _random.Next(last);
        CloseAll();
        StackNode joined = chain[last];
        for (int height = last - 1; height >= first; height--)
        {
            var next = new StackNode(NewName(), new MemoryFile(), chain[height].Lower, joined.Base, [.. joined.View]);
            Log($"merge {chain[height]} and {joined} into {next}, which is new");
            _ = LayerJoiner.Prepare(joined.Checked, chain[height].Checked).Run(next.Checked, NewId(), path => path, NobodyWatches.Instance);
            joined = next;
            Assert.Equal(joined.View, Read(joined));
            MustBeSound(joined);
        }
        if (last == chain.Count - 1)
        {
            disk.Top = joined;
        }
        else
        {
            Rebase(chain[last + 1], joined, joined.Base);
        }
        OpenAll();
    }

    private void Compact(StackDisk disk)
    {
        StackNode node = disk.Top.Chain[_random.Next(disk.Top.Chain.Count)];
        Log($"compact {node}");
        CloseAll();
        _ = Compacter.Prepare(node.Checked, StackNode.Open(node.Lower, node.Base), new BaseOptions()).Run(NobodyWatches.Instance);
        OpenAll();
    }

    /// <summary>Puts a cowfile on any other one on the same base, or on the base.</summary>
    private void Rebase(StackDisk disk)
    {
        StackNode node = disk.Top.Chain[_random.Next(disk.Top.Chain.Count)];
        StackNode?[] places =
        [
            null,
            .. _disks.SelectMany(other => StackNode.ChainOf(other.Top.Lower))
                .Where(place => place.Base == node.Base && !place.Chain.Contains(node) && place.Chain.Count < LayerStack.MaxLayers - disk.Top.Chain.Count)
                .Distinct(),
        ];
        CloseAll();
        Rebase(node, places[_random.Next(places.Length)], node.Base);
        OpenAll();
    }

    private void RebaseOntoOtherBase(StackDisk disk)
    {
        StackNode node = disk.Top;
        int blockBytes = node.Base.Length / CowLayout.BlockSize * CowLayout.BlockSize;
        byte[] content = new byte[blockBytes + RandomTail()];
        node.Base.AsSpan(0, Math.Min(content.Length, node.Base.Length)).CopyTo(content);
        for (int change = _random.Next(4); change > 0; change--)
        {
            (int offset, int length) = Range(content.Length);
            _random.NextBytes(content.AsSpan(offset, length));
        }
        CloseAll();
        Rebase(node, null, content);
        OpenAll();
    }

    private void Rebase(StackNode node, StackNode? place, byte[] baseContent)
    {
        Log($"rebase {node} onto {place?.Name ?? "the base"}{(baseContent == node.Base ? "" : $", another one of {baseContent.Length} bytes")}");
        BaseImage old = StackNode.Open(node.Lower, node.Base);
        BaseImage @new = StackNode.Open(place, baseContent);
        string? parentPath = place?.Name;
        if (old.Layout.BlockCount != @new.Layout.BlockCount)
        {
            Assert.Equal(Fault.OtherSize, Assert.Throws<CowloopException>(() => Rebaser.Prepare(node.Checked, old, @new, parentPath)).Fault);
            return;
        }
        IReadOnlyList<Layer>? mayDiffer = null;
        if (baseContent == node.Base && _random.Next(2) == 0)
        {
            IReadOnlyList<StackNode> from = StackNode.ChainOf(node.Lower);
            IReadOnlyList<StackNode> onto = StackNode.ChainOf(place);
            int common = from.Zip(onto).TakeWhile(pair => pair.First == pair.Second).Count();
            mayDiffer = [.. LayersOf(old).Skip(common), .. LayersOf(@new).Skip(common)];
        }
        _ = Rebaser.Prepare(node.Checked, old, @new, parentPath).Run(mayDiffer, HeapWords.Allocate, NobodyWatches.Instance);
        node.Lower = place;
        node.Base = baseContent;
        Assert.Equal(node.View, Read(node));

        static IEnumerable<Layer> LayersOf(BaseImage image) => image.File is LayerStack stack ? stack.Layers : [];
    }

    /// <summary>Writes the lowest cowfile of a device into the base; what lies on the base with it is put on the base alone, and everybody else is refused.</summary>
    private void MergeIntoBase(StackDisk disk)
    {
        IReadOnlyList<StackNode> chain = disk.Top.Chain;
        byte[] content = disk.Top.Base;
        byte[] before = [.. content];
        if (chain.Count > 1 && chain[1].View.Length > chain[0].View.Length)
        {
            // On the base itself it would show what the base has behind its last whole block.
            return;
        }
        Log($"merge {chain[0]} into the base");
        CloseAll();
        if (chain[0].Layout.BlockCount != content.Length / CowLayout.BlockSize)
        {
            CowloopException refusal = Assert.Throws<CowloopException>(() => AtRest.Merge(new FlatFile(content), chain[0].File));
            Assert.Equal(Fault.OtherSize, refusal.Fault);
            OpenAll();
            return;
        }
        AtRest.Merge(new FlatFile(content), chain[0].File);
        Assert.Equal(chain[0].View, content[..chain[0].View.Length]);
        if (!content.AsSpan().SequenceEqual(before))
        {
            foreach (StackDisk other in _disks.Where(other => other.Top.Base == content).ToArray())
            {
                Assert.Equal(Fault.OtherBase, Assert.Throws<CowloopException>(() => other.Open(NewId())).Fault);
                if (other != disk)
                {
                    Forget(other);
                }
            }
        }
        for (int height = 1; height < chain.Count; height++)
        {
            StackNode? place = height == 1 ? null : chain[height - 1];
            Rebaser.RenameBelow(chain[height].Checked, StackNode.Open(place, content), place?.Name);
            chain[height].Lower = place;
        }
        if (chain.Count == 1)
        {
            disk.Top = NewTop(null, content, disk.Top.View.Length);
        }
        OpenAll();
    }

    private void Flatten(StackDisk disk)
    {
        Log($"flatten {disk}");
        disk.Close();
        Assert.Equal(disk.Top.View, Read(disk.Top));
        disk.Open(NewId());
    }

    /// <summary>An image of all that is read through a cowfile.</summary>
    private static byte[] Read(StackNode node)
    {
        BaseImage image = StackNode.Open(node, node.Base);
        Parentage.RequireWhole(image.Top);
        var flat = new MemoryFile();
        Flattener.Run(new CheckedFile(image.File, Disk.BaseName), new CheckedFile(flat, "flat.img"), NobodyWatches.Instance);
        return flat.ToArray();
    }

    private static bool IsRefusedForSize(StackNode upper, StackNode lower)
    {
        if (upper.View.Length == lower.View.Length)
        {
            return false;
        }
        Assert.Equal(Fault.OtherSize, Assert.Throws<CowloopException>(() => LayerMerger.Prepare(upper.Checked, lower.Checked)).Fault);
        return true;
    }

    private IEnumerable<StackDisk> Others(StackDisk disk, StackNode user) => _disks.Where(other => other != disk && other.Top.Chain.Contains(user));

    private void Forget(StackDisk disk)
    {
        disk.Dispose();
        _disks.Remove(disk);
    }
}
