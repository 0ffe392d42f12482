using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>What was packed or unpacked.</summary>
/// <param name="Source">As the user named it.</param>
/// <param name="Destination">As the user named it.</param>
/// <param name="Encoding">How the packed one of the two is stored.</param>
/// <param name="Blocks">Number of blocks, 1024 bytes each.</param>
/// <param name="SourceBytes">Length of the source.</param>
/// <param name="DestinationBytes">Length of the destination; that of a cowfile counts its holes too.</param>
internal sealed record PackingReport(
    string Source,
    string Destination,
    PackedEncoding Encoding,
    long Blocks,
    long SourceBytes,
    long DestinationBytes);

/// <summary>Packs and unpacks cowfiles by their names: what cowpack and <c>cowloop pack</c> and <c>unpack</c> have in common.</summary>
internal sealed class CowfilePacking
{
    private PackedInput? _input;

    /// <summary>True as soon as the source is open: an error in opening something is one of the destination then.</summary>
    public bool HasSource { get; private set; }

    /// <summary>What is wrong with compressed data that was to be unpacked, in zlib's words; null when nothing is.</summary>
    public string? Damage => _input?.Damage;

    /// <summary>Packs a cowfile.</summary>
    /// <param name="sourceName">The cowfile.</param>
    /// <param name="destinationName">Gets the result.</param>
    /// <param name="encoding">How to store it: <see cref="PackedEncoding.Plain"/> or compressed.</param>
    /// <param name="overwrite">Replace a destination that exists.</param>
    /// <exception cref="CowloopException">It fails; the destination is as it was.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the destination is as it was.</exception>
    public PackingReport Pack(string sourceName, string destinationName, PackedEncoding encoding, bool overwrite)
    {
        using var session = new WorkSession();
        using StoredFile source = FileOpener.OpenToRead(sourceName);
        HasSource = true;
        using var destination = OutputFile.Prepare(destinationName, source.Identity, overwrite);
        var packer = Packer.Prepare(new CheckedFile(source, sourceName));
        CheckedFile target = destination.Create();
        if (encoding == PackedEncoding.Plain)
        {
            packer.Run(PackedTarget.Plain(target), session);
        }
        else
        {
            // Disposing writes the end.
            using Stream compressed = PackedStreams.Compress(encoding, new CheckedStream(target));
            packer.Run(PackedTarget.Unpadded(compressed), session);
        }
        destination.Commit();
        return new PackingReport(sourceName, destinationName, encoding, packer.BlockCount, source.LengthBytes, target.LengthBytes);
    }

    /// <summary>Unpacks a packed cowfile.</summary>
    /// <param name="sourceName">The packed cowfile.</param>
    /// <param name="destinationName">Gets the cowfile.</param>
    /// <param name="expected">The encoding that the user named; null to go by the content.</param>
    /// <param name="overwrite">Replace a destination that exists.</param>
    /// <exception cref="CowloopException">It fails; the destination is as it was.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the destination is as it was.</exception>
    public PackingReport Unpack(string sourceName, string destinationName, PackedEncoding? expected, bool overwrite)
    {
        using var session = new WorkSession();
        using PackedInput input = PackedInput.Open(sourceName, expected);
        _input = input;
        HasSource = true;
        using var destination = OutputFile.Prepare(destinationName, input.Identity, overwrite);
        var unpacker = Unpacker.Prepare(input.Source);
        CheckedFile target = destination.CreateCowfile(unpacker.Layout, store: null);
        unpacker.Run(target, session);
        destination.Commit();
        return new PackingReport(sourceName, destinationName, input.Encoding, unpacker.BlockCount, input.LengthBytes, target.LengthBytes);
    }
}
