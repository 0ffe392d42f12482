using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Live;

namespace Cowloop.Core.Tests.Support;

/// <summary>Short ways to open overlays in memory and to use them.</summary>
internal static class Disk
{
    public const string Path = "test.cow";
    public const string BaseName = "disk.img";

    public static readonly Guid Id = new("0f1e2d3c-4b5a-4968-8776-655443322110");

    /// <summary>New files as the original makes them: most of the specification's cases are about these.</summary>
    public static readonly CowfileOptions Plain = new() { AllocateZeroedWords = HeapWords.Allocate };

    /// <summary>New files with an extension record, in which the bitmap decides.</summary>
    public static readonly CowfileOptions WithRecord = Plain with { NewId = Id };

    public static CowLayout LayoutOf(IBlockFile baseFile) => new(baseFile.LengthBytes / CowLayout.BlockSize);

    public static BaseImage ImageOf(IBlockFile baseFile, BaseHints? hints = null) => new(baseFile, BaseName, hints);

    public static Cowfile OpenCowfile(IBlockFile baseFile, IBlockFile store, bool repair = false) =>
        OpenCowfile(baseFile, store, Plain with { Repair = repair });

    public static Cowfile OpenCowfile(IBlockFile baseFile, IBlockFile store, CowfileOptions options) =>
        Cowfile.Open(store, Path, ImageOf(baseFile), options);

    public static Overlay Open(IBlockFile baseFile, IBlockFile store) => Open(baseFile, store, Plain);

    public static Overlay Open(IBlockFile baseFile, IBlockFile store, CowfileOptions options, LiveBits? live = null) =>
        new(baseFile, OpenCowfile(baseFile, store, options), 512, live);

    public static Overlay Open(byte[] baseContent, IBlockFile store) => Open(new FlatFile(baseContent), store);

    public static byte[] Get(this IBlockDevice device, long offsetBytes, int length)
    {
        byte[] target = new byte[length];
        Assert.Equal(Errno.None, device.Read(offsetBytes, target));
        return target;
    }

    /// <summary>The same, piece by piece.</summary>
    public static byte[] GetPieces(this IBlockDevice device, long offsetBytes, int length)
    {
        var target = new PieceTarget();
        Assert.Equal(Errno.None, device.ReadTo(offsetBytes, length, target));
        return target.Content;
    }

    public static byte[] GetAll(this IBlockDevice device) => device.Get(0, (int)device.Info.LengthBytes);

    /// <summary>Writes copies of one byte: the "w off len byte" of the specification.</summary>
    public static Errno Fill(this IBlockDevice device, long offsetBytes, int length, byte value) =>
        device.Write(offsetBytes, Fixtures.Filled(length, value), fua: false);

    /// <summary>One byte per sector, as the specification writes it down.</summary>
    public static string Sectors(this IBlockDevice device, long offsetBytes, int length)
    {
        byte[] content = device.Get(offsetBytes, length);
        var firsts = new List<string>();
        for (int sector = 0; sector < length / 512; sector++)
        {
            ReadOnlySpan<byte> bytes = content.AsSpan(sector * 512, 512);
            Assert.False(bytes.ContainsAnyExcept(bytes[0]), $"sector {sector} is mixed");
            firsts.Add($"{bytes[0]:X2}");
        }
        return string.Join(' ', firsts);
    }
}
