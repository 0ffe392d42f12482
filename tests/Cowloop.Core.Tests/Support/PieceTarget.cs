using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>Collects what is read to it.</summary>
internal sealed class PieceTarget : IReadTarget
{
    private readonly List<byte> _content = [];

    /// <summary>The files that the pieces came from.</summary>
    public List<IBlockFile> Files { get; } = [];

    public byte[] Content => [.. _content];

    /// <summary>What a file gives in this way.</summary>
    public static byte[] Read(IBlockFile file, long offsetBytes, int lengthBytes)
    {
        var target = new PieceTarget();
        Assert.Equal(Errno.None, file.ReadTo(offsetBytes, lengthBytes, target));
        return target.Content;
    }

    public Errno Take(IBlockFile file, long offsetBytes, int lengthBytes)
    {
        byte[] piece = new byte[lengthBytes];
        Errno errno = file.ReadAt(offsetBytes, piece);
        Files.Add(file);
        _content.AddRange(piece);
        return errno;
    }
}
