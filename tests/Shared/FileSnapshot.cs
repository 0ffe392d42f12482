using System.Security.Cryptography;
using Xunit.Sdk;

namespace Cowloop.Tests.Support;

/// <summary>What a file or block device is at one moment, to see that it stays so.</summary>
internal sealed record FileSnapshot
{
    private readonly DateTime _modified;
    private readonly string _hash;

    private FileSnapshot(string path)
    {
        Path = path;
        _modified = File.GetLastWriteTimeUtc(path);
        _hash = HashOf(path);
    }

    public string Path { get; }

    public static FileSnapshot Of(string path) => new(path);

    /// <summary>SHA-256 of a file or block device in lower-case hexadecimal digits.</summary>
    public static string HashOf(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>Fails unless bytes and modification time are the same still.</summary>
    public void MustBeUnchanged()
    {
        if (!File.Exists(Path))
        {
            throw new XunitException($"{Path} is gone");
        }
        if (HashOf(Path) != _hash)
        {
            throw new XunitException($"the bytes of {Path} have changed");
        }
        if (File.GetLastWriteTimeUtc(Path) != _modified)
        {
            throw new XunitException($"the modification time of {Path} has changed");
        }
    }
}
