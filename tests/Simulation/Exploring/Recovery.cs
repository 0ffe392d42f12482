using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Live;
using Cowloop.Core.Maintenance;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>How files are opened, recovered, packed, merged and put on something else: as the programs do it.</summary>
internal static class Recovery
{
    /// <summary>What the base is called in messages.</summary>
    public const string BaseName = "disk.img";

    /// <summary>What the cowfile is called in messages.</summary>
    public const string CowfileName = "my.cow";

    /// <summary>What live bits are kept under: there is one boot, and one cowfile at a time.</summary>
    public static LiveKey LiveKey { get; } = new(new Guid("11111111-2222-4333-8444-555555555555"), 1, 2);

    /// <summary>Opens a base with layers on it, as an activation does.</summary>
    /// <param name="baseFile">The base.</param>
    /// <param name="inode">Which file that is. A base that says it has not changed need not be read again and again.</param>
    /// <param name="layers">The layers, bottom to top; may be none.</param>
    public static BaseImage OpenBelow(IBlockFile baseFile, int inode, IReadOnlyList<IBlockFile> layers)
    {
        var image = new BaseImage(baseFile, BaseName, new BaseHints(1, (ulong)inode, 1, 1));
        return layers.Count == 0
            ? image
            : LayerStack.Open(image, [.. layers.Select((layer, index) => (Stores.View(layer), $"layer {index + 1}"))], new BaseOptions(), HeapWords.Allocate);
    }

    /// <summary>Opens a cowfile, as an activation does.</summary>
    /// <param name="below">What it lies on.</param>
    /// <param name="cowfile">The file; empty for a new one.</param>
    /// <param name="number">What distinguishes it from others when it is a new one.</param>
    /// <param name="kept">The live bits of a killed service; or null.</param>
    public static Cowfile Open(BaseImage below, IBlockFile cowfile, int number, IBlockFile? kept) =>
        Cowfile.Open(Stores.View(cowfile, isSameBoot: kept is not null), CowfileName, below, new CowfileOptions
        {
            AllocateZeroedWords = HeapWords.Allocate,
            NewId = new Guid(number, 0x7777, 0x4888, 0x89, 0x99, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa),
            FindKeptBits = header => Find(kept, header.Span),
        });

    /// <summary>The record of a cowfile; null when it has none that can be used.</summary>
    public static ExtensionRecord? RecordOf(IBlockFile cowfile)
    {
        cowfile = Stores.View(cowfile);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        return cowfile.LengthBytes >= headerBlock.Length
            && cowfile.ReadAt(0, headerBlock) == Core.Errno.None
            && ExtensionRecord.TryDecode(headerBlock, out ExtensionRecord? record) == RecordState.Present
            ? record
            : null;
    }

    /// <summary>True for a cowfile that is sealed.</summary>
    public static bool IsSealed(IBlockFile cowfile) => RecordOf(cowfile)?.IsSealed == true;

    /// <summary>True when a cowfile was made on another one as that is now.</summary>
    public static bool IsLayerOf(IBlockFile cowfile, IBlockFile child) =>
        RecordOf(cowfile) is ExtensionRecord layer && RecordOf(child)?.Parent is ParentLink parent && parent.IsSameAs(layer.ToLink(""));

    /// <summary>Finds what a cowfile lies on, by what its record says, and by what those of the layers say.</summary>
    /// <param name="cowfile">The cowfile.</param>
    /// <param name="layers">The layers that there are.</param>
    /// <returns>Its layers, bottom to top.</returns>
    public static IReadOnlyList<MemoryFile> LayersOf(MemoryFile cowfile, IReadOnlyList<MemoryFile> layers)
    {
        var found = new List<MemoryFile>();
        for (MemoryFile? upper = cowfile; upper is not null;)
        {
            Guid? parent = RecordOf(upper)?.Parent?.Id;
            upper = parent is null ? null : layers.FirstOrDefault(layer => RecordOf(layer)?.Id == parent);
            if (upper is not null)
            {
                found.Insert(0, upper);
            }
        }
        return found;
    }

    /// <summary>
    /// Completes a snapshot whose service was killed, in the same boot: makes the former cowfile clean, with what was kept for it, and seals it.
    /// </summary>
    /// <param name="cowfile">The former cowfile, clean or not: what was written over blocks that it held already is in neither its header nor its bits.</param>
    /// <param name="kept">Its live bits; null after a loss of power.</param>
    public static void SealFormer(IBlockFile cowfile, IBlockFile? kept)
    {
        if (!IsSealed(cowfile))
        {
            if (IsDirty(cowfile))
            {
                Repair(cowfile, kept);
            }
            _ = Sealer.Run(new CheckedFile(Stores.View(cowfile, isSameBoot: kept is not null), CowfileName));
        }
    }

    /// <summary>What <c>cowrepair</c> does, with <c>-f</c> if the file is clean.</summary>
    public static void Repair(IBlockFile cowfile, IBlockFile? kept)
    {
        var file = new CheckedFile(Stores.View(cowfile, isSameBoot: kept is not null), CowfileName);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header = CowfileChecks.ReadHeader(file, headerBlock);
        Repairer.Run(file, header, new RepairOptions { Modify = true, Kept = Find(kept, headerBlock) }, NobodyWatches.Instance);
    }

    /// <summary>What <c>cowpack -p</c> does; the result is durable.</summary>
    public static void Pack(IBlockFile cowfile, IBlockFile packed)
    {
        var target = new CheckedFile(packed, "packed");
        Packer.Prepare(new CheckedFile(Stores.View(cowfile), CowfileName)).Run(PackedTarget.Plain(target), NobodyWatches.Instance);
        target.Sync(Core.Fault.WriteData);
    }

    /// <summary>What <c>cowpack -u</c> does; the result is durable.</summary>
    public static void Unpack(IBlockFile packed, IBlockFile cowfile)
    {
        var target = new CheckedFile(Stores.View(cowfile), CowfileName);
        Unpacker.Prepare(PackedSource.Plain(new CheckedFile(packed, "packed"))).Run(target, NobodyWatches.Instance);
        target.Sync(Core.Fault.WriteData);
    }

    /// <summary>What <c>cowmerge</c> does.</summary>
    public static void Merge(IBlockFile baseFile, IBlockFile cowfile, bool resume)
    {
        var source = new CheckedFile(Stores.View(cowfile), CowfileName);
        Merger.Prepare(source, HeaderOf(source), new CheckedFile(baseFile, BaseName), resume, NobodyWatches.Instance).Run(NobodyWatches.Instance);
    }

    /// <summary>What <c>cowloop merge --into</c> does.</summary>
    /// <param name="upper">The cowfile.</param>
    /// <param name="lower">The layer below it.</param>
    /// <returns>True when anything was left to do.</returns>
    public static bool MergeInto(IBlockFile upper, IBlockFile lower)
    {
        var source = new CheckedFile(Stores.View(upper), CowfileName);
        var merger = LayerMerger.Prepare(source, new CheckedFile(Stores.View(lower), "layer"));
        bool isNew = !merger.IsDone;
        merger.Run(NobodyWatches.Instance);
        LayerMerger.Relink(source, merger.Record);
        return isNew;
    }

    /// <summary>What the service does to merge the topmost layer of a device into the one below it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="stack">What its cowfile lies on; at least two layers.</param>
    /// <returns>What is left to do when earlier requests have ended; and true when anything was to be merged.</returns>
    public static (Action Release, bool IsNew) MergeLive(StackDevice device, LayerStack stack)
    {
        Layer upper = stack.Layers[^1];
        Layer lower = stack.Layers[^2];
        var merger = LayerMerger.Prepare(new CheckedFile(upper.File, upper.Name), new CheckedFile(lower.File, lower.Name));
        bool isNew = !merger.IsDone;
        merger.Run(NobodyWatches.Instance);
        var merged = new Layer(lower.File, lower.Name, lower.Layout, merger.Record);
        device.DropLayer(stack, merged, lower.Name, HeapWords.Allocate, out Action? release).MustBeNone();
        return (release!, isNew);
    }

    /// <summary>What <c>cowloop compact</c> does, of one cowfile after the other.</summary>
    /// <param name="baseFile">The base.</param>
    /// <param name="inode">Which file that is.</param>
    /// <param name="cowfiles">The cowfiles on it, bottom to top.</param>
    public static void Compact(IBlockFile baseFile, int inode, IReadOnlyList<IBlockFile> cowfiles)
    {
        for (int index = 0; index < cowfiles.Count; index++)
        {
            Settle(cowfiles[index]);
            BaseImage below = OpenBelow(baseFile, inode, [.. cowfiles.Take(index)]);
            _ = Compacter.Prepare(new CheckedFile(Stores.View(cowfiles[index]), CowfileName), below, new BaseOptions()).Run(NobodyWatches.Instance);
        }
    }

    /// <summary>What <c>cowloop rebase</c> does, onto a base without layers.</summary>
    public static void Rebase(IBlockFile cowfile, BaseImage old, BaseImage @new)
    {
        Settle(cowfile);
        _ = Rebaser.Prepare(new CheckedFile(Stores.View(cowfile), CowfileName), old, @new, parentPath: null).Run(null, HeapWords.Allocate, NobodyWatches.Instance);
    }

    /// <summary>True when a cowfile says that it was not closed.</summary>
    public static bool IsDirty(IBlockFile cowfile) => HeaderOf(new CheckedFile(Stores.View(cowfile), CowfileName)).Flags.HasFlag(CowFlags.Dirty);

    /// <summary>What the tools do first with a file that work was interrupted on.</summary>
    private static void Settle(IBlockFile cowfile)
    {
        if (IsDirty(cowfile))
        {
            Repair(cowfile, kept: null);
        }
    }

    private static KeptBits? Find(IBlockFile? kept, ReadOnlySpan<byte> headerBlock) => kept is null ? null : KeptBits.Find(kept, LiveKey, headerBlock);

    private static CowHeader HeaderOf(CheckedFile cowfile) => CowfileChecks.ReadHeader(cowfile, new byte[CowLayout.BlockSize]);
}
