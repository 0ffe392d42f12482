using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Exploring;

/// <summary>How files are opened, recovered, packed and merged: as the programs do it.</summary>
internal static class Recovery
{
    /// <summary>What the base is called in messages.</summary>
    public const string BaseName = "disk.img";

    /// <summary>What the cowfile is called in messages.</summary>
    public const string CowfileName = "my.cow";

    /// <summary>What must survive a death.</summary>
    public static Death Expected(Death death) => Death.Power;

    /// <summary>Opens a cowfile, as an activation does.</summary>
    /// <param name="baseFile">Its base.</param>
    /// <param name="cowfile">The file; empty for a new one.</param>
    /// <param name="repair">Recover it if it is dirty; else it is refused then.</param>
    public static Cowfile Open(IBlockFile baseFile, IBlockFile cowfile, bool repair)
    {
        var layout = new CowLayout(baseFile.LengthBytes / CowLayout.BlockSize);
        uint fingerprint = BaseFingerprint.Compute(baseFile, layout.BlockCount);
        if (cowfile.LengthBytes == 0)
        {
            using Cowfile made = Cowfile.Open(cowfile, CowfileName, layout, fingerprint, HeapWords.Allocate, repair);
            byte[] header = new byte[CowLayout.BlockSize];
            (made.Header with { Flags = CowFlags.BitmapDecides }).Encode(header);
            cowfile.WriteAt(0, header).MustBeNone();
            cowfile.Sync().MustBeNone();
        }
        return Cowfile.Open(cowfile, CowfileName, layout, fingerprint, HeapWords.Allocate, repair);
    }

    /// <summary>What <c>cowrepair</c> does.</summary>
    public static void Repair(IBlockFile cowfile)
    {
        var file = new CheckedFile(cowfile, CowfileName);
        Repairer.Run(file, HeaderOf(file), modify: true, null, NobodyWatches.Instance);
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

    private static CowHeader HeaderOf(CheckedFile cowfile) => CowfileChecks.ReadHeader(cowfile, new byte[CowLayout.BlockSize]);
}
