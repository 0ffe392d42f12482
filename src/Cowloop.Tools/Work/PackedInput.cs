using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>A packed cowfile, opened. Nobody can change it until it is closed.</summary>
internal sealed class PackedInput : IDisposable
{
    private readonly StoredFile _file;
    private readonly DecompressedStream? _decompressed;

    private PackedInput(StoredFile file, string name, PackedEncoding encoding)
    {
        _file = file;
        Encoding = encoding;
        var checkedFile = new CheckedFile(file, name);
        switch (encoding)
        {
            case PackedEncoding.Plain:
                Source = PackedSource.Plain(checkedFile);
                break;
            case PackedEncoding.Unpadded:
                Source = PackedSource.Unpadded(new CheckedStream(checkedFile), name);
                break;
            default:
                _decompressed = PackedStreams.Decompress(encoding, new CheckedStream(checkedFile));
                Source = PackedSource.Unpadded(_decompressed, name);
                break;
        }
    }

    /// <summary>Its content.</summary>
    public PackedSource Source { get; }

    /// <summary>How it is stored.</summary>
    public PackedEncoding Encoding { get; }

    /// <summary>Which file it is.</summary>
    public FileIdentity Identity => _file.Identity;

    /// <summary>Length of the file.</summary>
    public long LengthBytes => _file.LengthBytes;

    /// <summary>What is wrong with the compressed data, in zlib's words; null as long as nothing is.</summary>
    public string? Damage => _decompressed?.Damage;

    /// <summary>Opens a packed cowfile.</summary>
    /// <param name="name">As the user named it.</param>
    /// <param name="expected">The encoding that the user named; null to go by the content.</param>
    /// <exception cref="CowloopException">It can't be opened, is in use, or stored in another encoding than expected.</exception>
    public static PackedInput Open(string name, PackedEncoding? expected)
    {
        StoredFile file = FileOpener.OpenToRead(name);
        try
        {
            return new PackedInput(file, name, Recognise(new CheckedFile(file, name), expected));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _decompressed?.Dispose();
        _file.Dispose();
    }

    private static PackedEncoding Recognise(CheckedFile file, PackedEncoding? expected)
    {
        byte[] start = new byte[(int)Math.Min(file.LengthBytes, HeaderVariant.Default.StructSize)];
        file.Read(0, start, Fault.ReadHeader);
        PackedEncoding found = PackedEncodings.Recognise(start);
        if (found != PackedEncoding.Plain)
        {
            return found == (expected ?? found) ? found : throw CowfileChecks.NoCowfile(start, file.Name);
        }
        bool isCompressionExpected = expected is PackedEncoding.Gzip or PackedEncoding.Zstd;
        bool isUnpadded = false;
        if (PackedLengths.TryRead(file) is PackedLengths lengths)
        {
            isUnpadded = file.LengthBytes == lengths.UnpaddedBytes;
            if (isUnpadded && expected == PackedEncoding.Plain)
            {
                throw OtherEncoding($"{file.Name} is packed without padding", $"cowpack -zu {ShellWord.ForPath(file.Name)} NEWFILE");
            }
            if (isCompressionExpected && file.LengthBytes >= lengths.PlainBytes)
            {
                throw OtherEncoding($"{file.Name} is not compressed", $"cowpack -u {ShellWord.ForPath(file.Name)} NEWFILE");
            }
        }
        // As the original did, which took everything without gzip's magic for the unpadded form.
        return isUnpadded || isCompressionExpected ? PackedEncoding.Unpadded : PackedEncoding.Plain;
    }

    private static CowloopException OtherEncoding(string reason, string command) =>
        new(Errno.EINVAL, reason, $"unpack it with: {command}") { Fault = Fault.OtherEncoding };
}
