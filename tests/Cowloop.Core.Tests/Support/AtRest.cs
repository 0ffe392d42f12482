using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>Short ways to work on cowfiles at rest, as the tools do it.</summary>
internal static class AtRest
{
    public static CheckedFile Named(IBlockFile cowfile) => new(cowfile, Disk.Path);

    public static CowHeader HeaderOf(IBlockFile cowfile) => CowfileChecks.ReadHeader(Named(cowfile), new byte[CowLayout.BlockSize]);

    public static bool IsDirty(IBlockFile cowfile) => HeaderOf(cowfile).Flags.HasFlag(CowFlags.Dirty);

    public static RepairReport Repair(IBlockFile cowfile, IWorkObserver? observer = null, bool modify = true, Action<long>? onCorrection = null) =>
        Repairer.Run(Named(cowfile), HeaderOf(cowfile), new RepairOptions { Modify = modify, OnCorrection = onCorrection }, observer ?? NobodyWatches.Instance);

    public static RepairReport Repair(IBlockFile cowfile, CowHeader header) =>
        Repairer.Run(Named(cowfile), header, new RepairOptions { Modify = true }, NobodyWatches.Instance);

    public static Merger Prepare(IBlockFile baseFile, IBlockFile cowfile, bool resume = false, IWorkObserver? observer = null) =>
        Merger.Prepare(Named(cowfile), HeaderOf(cowfile), new CheckedFile(baseFile, Disk.BaseName), resume, observer ?? NobodyWatches.Instance);

    public static void Merge(IBlockFile baseFile, IBlockFile cowfile, bool resume = false, IWorkObserver? observer = null) =>
        Prepare(baseFile, cowfile, resume, observer).Run(observer ?? NobodyWatches.Instance);

    /// <summary>What the base reads as with the cowfile over it: block by block, by the bits alone.</summary>
    public static byte[] View(ReadOnlySpan<byte> baseContent, ReadOnlySpan<byte> cowfile)
    {
        byte[] view = baseContent.ToArray();
        var layout = new CowLayout(baseContent.Length / CowLayout.BlockSize);
        for (int block = 0; block < layout.BlockCount; block++)
        {
            if ((cowfile[1024 + block / 8] >> (block % 8) & 1) != 0)
            {
                cowfile.Slice((int)layout.DataOffsetBytes + block * 1024, 1024).CopyTo(view.AsSpan(block * 1024));
            }
        }
        return view;
    }
}
