using Cowloop.Core.Files;
using Cowloop.Core.Format;

namespace Cowloop.Core.Devices;

/// <summary>A base as the opening of a cowfile sees it.</summary>
public sealed class BaseImage
{
    private BaseIdentity? _identity;

    /// <summary>Looks at a base; reads what its fingerprint is made of.</summary>
    /// <param name="file">The base, at least one block long; not owned.</param>
    /// <param name="name">As the user named it, for messages.</param>
    /// <param name="hints">Which file it is; null for one that does not know when it was changed, for instance a block device.</param>
    /// <param name="path">Where it is, relative to the cowfile's directory or absolute; may be empty.</param>
    public BaseImage(IBlockFile file, string name, BaseHints? hints = null, string path = "")
    {
        ArgumentNullException.ThrowIfNull(file);
        File = file;
        Name = name;
        Hints = hints;
        Path = path;
        LengthBytes = file.LengthBytes;
        Layout = new CowLayout(LengthBytes / CowLayout.BlockSize);
        Fingerprint = BaseFingerprint.Compute(file, Layout.BlockCount);
    }

    /// <summary>The base itself.</summary>
    public IBlockFile File { get; }

    /// <summary>As the user named it.</summary>
    public string Name { get; }

    /// <summary>Which file it is, or null.</summary>
    public BaseHints? Hints { get; }

    /// <summary>Where it is; may be empty.</summary>
    public string Path { get; }

    /// <summary>Exact length in bytes.</summary>
    public long LengthBytes { get; }

    /// <summary>The layout of its cowfiles.</summary>
    public CowLayout Layout { get; }

    /// <summary>The original's fingerprint.</summary>
    public uint Fingerprint { get; }

    /// <summary>What it holds, from samples; read when it is asked for first.</summary>
    public BaseIdentity Identity => _identity ??= BaseIdentity.Compute(File, LengthBytes);

    /// <summary>Reads all of it.</summary>
    /// <returns>Its SHA-256.</returns>
    /// <exception cref="CowloopException">A part of it can't be read.</exception>
    public byte[] ComputeDigest()
    {
        try
        {
            return BaseIdentity.ComputeDigest(File, LengthBytes);
        }
        catch (CowloopException exception)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"rdofile {Name} cannot be verified: {exception.Message}",
                "its disk may be failing; without --verify-base only samples of it are read");
        }
    }
}
