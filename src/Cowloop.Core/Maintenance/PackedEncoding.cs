namespace Cowloop.Core.Maintenance;

/// <summary>How a packed cowfile is stored.</summary>
public enum PackedEncoding
{
    /// <summary>As it is, with header, bitmap and data at their usual offsets (specification 5.8.2).</summary>
    Plain,
    /// <summary>As a stream without padding that is not compressed; no tool makes it, but the original reads it.</summary>
    Unpadded,
    /// <summary>One gzip stream without padding (specification 5.8.4).</summary>
    Gzip,
    /// <summary>The same stream, compressed with Zstandard; the original does not read it.</summary>
    Zstd,
}

/// <summary>Tells packed encodings apart.</summary>
public static class PackedEncodings
{
    private static ReadOnlySpan<byte> GzipMagic => [0x1F, 0x8B];

    private static ReadOnlySpan<byte> ZstdMagic => [0x28, 0xB5, 0x2F, 0xFD];

    /// <summary>Recognises the encoding by the first bytes of a file; what is not compressed counts as plain.</summary>
    public static PackedEncoding Recognise(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith(GzipMagic))
        {
            return PackedEncoding.Gzip;
        }
        return start.StartsWith(ZstdMagic) ? PackedEncoding.Zstd : PackedEncoding.Plain;
    }
}
