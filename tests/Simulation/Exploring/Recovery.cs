using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Live;
using Cowloop.Core.Maintenance;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>How files are opened, recovered, packed and merged: as the programs do it.</summary>
internal static class Recovery
{
    /// <summary>What the base is called in messages.</summary>
    public const string BaseName = "disk.img";

    /// <summary>What the cowfile is called in messages.</summary>
    public const string CowfileName = "my.cow";

    // A base that says it has not changed need not be read again and again.
    private static readonly BaseHints BaseHints = new(1, 1, 1, 1);

    /// <summary>What live bits are kept under: there is one boot, and one cowfile at a time.</summary>
    public static LiveKey LiveKey { get; } = new(new Guid("11111111-2222-4333-8444-555555555555"), 1, 2);

    /// <summary>Opens a base with layers on it, as an activation does.</summary>
    /// <param name="baseFile">The base.</param>
    /// <param name="layers">The layers, bottom to top; may be none.</param>
    public static BaseImage OpenBelow(IBlockFile baseFile, IReadOnlyList<IBlockFile> layers)
    {
        var image = new BaseImage(baseFile, BaseName, BaseHints);
        return layers.Count == 0
            ? image
            : LayerStack.Open(image, [.. layers.Select((layer, index) => (layer, $"layer {index + 1}"))], new BaseOptions(), HeapWords.Allocate);
    }

    /// <summary>Opens a cowfile, as an activation does.</summary>
    /// <param name="below">What it lies on.</param>
    /// <param name="cowfile">The file; empty for a new one.</param>
    /// <param name="number">What distinguishes it from others when it is a new one.</param>
    /// <param name="kept">The live bits of a killed service; or null.</param>
    public static Cowfile Open(BaseImage below, IBlockFile cowfile, int number, IBlockFile? kept) =>
        Cowfile.Open(cowfile, CowfileName, below, new CowfileOptions
        {
            AllocateZeroedWords = HeapWords.Allocate,
            NewId = new Guid(number, 0x7777, 0x4888, 0x89, 0x99, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa),
            FindKeptBits = header => Find(kept, header.Span),
        });

    /// <summary>True for a cowfile that is sealed.</summary>
    public static bool IsSealed(IBlockFile cowfile)
    {
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        return cowfile.LengthBytes >= headerBlock.Length
            && cowfile.ReadAt(0, headerBlock) == Core.Errno.None
            && ExtensionRecord.TryDecode(headerBlock, out ExtensionRecord? record) == RecordState.Present
            && record!.IsSealed;
    }

    /// <summary>What <c>cowrepair</c> does, with <c>-f</c> if the file is clean.</summary>
    public static void Repair(IBlockFile cowfile, IBlockFile? kept)
    {
        var file = new CheckedFile(cowfile, CowfileName);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header = CowfileChecks.ReadHeader(file, headerBlock);
        Repairer.Run(file, header, new RepairOptions { Modify = true, Kept = Find(kept, headerBlock) }, NobodyWatches.Instance);
    }

    /// <summary>What <c>cowpack -p</c> does; the result is durable.</summary>
    public static void Pack(IBlockFile cowfile, IBlockFile packed)
    {
        var target = new CheckedFile(packed, "packed");
        Packer.Prepare(new CheckedFile(cowfile, CowfileName)).Run(PackedTarget.Plain(target), NobodyWatches.Instance);
        target.Sync(Core.Fault.WriteData);
    }

    /// <summary>What <c>cowpack -u</c> does; the result is durable.</summary>
    public static void Unpack(IBlockFile packed, IBlockFile cowfile)
    {
        var target = new CheckedFile(cowfile, CowfileName);
        Unpacker.Prepare(PackedSource.Plain(new CheckedFile(packed, "packed"))).Run(target, NobodyWatches.Instance);
        target.Sync(Core.Fault.WriteData);
    }

    /// <summary>What <c>cowmerge</c> does.</summary>
    public static void Merge(IBlockFile baseFile, IBlockFile cowfile, bool resume)
    {
        var source = new CheckedFile(cowfile, CowfileName);
        Merger.Prepare(source, HeaderOf(source), new CheckedFile(baseFile, BaseName), resume, NobodyWatches.Instance).Run(NobodyWatches.Instance);
    }

    /// <summary>True when a cowfile says that it was not closed.</summary>
    public static bool IsDirty(IBlockFile cowfile) => HeaderOf(new CheckedFile(cowfile, CowfileName)).Flags.HasFlag(CowFlags.Dirty);

    private static KeptBits? Find(IBlockFile? kept, ReadOnlySpan<byte> headerBlock) => kept is null ? null : KeptBits.Find(kept, LiveKey, headerBlock);

    private static CowHeader HeaderOf(CheckedFile cowfile) => CowfileChecks.ReadHeader(cowfile, new byte[CowLayout.BlockSize]);
}
