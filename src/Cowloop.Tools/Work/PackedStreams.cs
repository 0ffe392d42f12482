using System.IO.Compression;
using Cowloop.Core.Maintenance;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Cowloop.Tools.Work;

/// <summary>Compresses and decompresses packed cowfiles.</summary>
internal static class PackedStreams
{
    // Set in the project file: without it the end of the file would pass for the end of the compressed data.
    private const string StrictSwitch = "System.IO.Compression.UseStrictValidation";

    // What zstd itself takes.
    private const int ZstdLevel = 3;

    /// <summary>A stream that compresses what is written to it. It must be disposed of: that writes the end, and can fail.</summary>
    public static Stream Compress(PackedEncoding encoding, Stream target)
    {
        if (encoding == PackedEncoding.Gzip)
        {
            return new GZipStream(target, CompressionLevel.SmallestSize, leaveOpen: true);
        }
        var zstd = new CompressionStream(target, ZstdLevel);
        zstd.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        return zstd;
    }

    /// <summary>A stream that ends only after all compressed data has been verified to its end.</summary>
    public static DecompressedStream Decompress(PackedEncoding encoding, CheckedStream source)
    {
        if (!AppContext.TryGetSwitch(StrictSwitch, out bool isStrict) || !isStrict)
        {
            throw new InvalidOperationException($"{StrictSwitch} is not set");
        }
        return new DecompressedStream(
            encoding == PackedEncoding.Gzip ? new GZipStream(source, CompressionMode.Decompress, leaveOpen: true) : new DecompressionStream(source),
            source);
    }
}
