using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Devices;

/// <summary>
/// What the opening of a cowfile sees below it: a base, or a base with layers on it. The fingerprint and the size are those of what is seen there
/// (specification 2.1, as for a cowfile whose rdofile is another cowdevice); what the record says of the base is about the base alone.
/// </summary>
public sealed class BaseImage
{
    private readonly BaseImage? _root;
    private readonly BaseContent _content;

    /// <summary>Looks at a base; reads what its fingerprint is made of, unless that is known.</summary>
    /// <param name="file">The base, at least one block long; not owned.</param>
    /// <param name="name">As the user named it, for messages.</param>
    /// <param name="hints">Which file it is; null for one that does not know when it was changed, for instance a block device.</param>
    /// <param name="path">Where it is, relative to the cowfile's directory or absolute; may be empty.</param>
    /// <param name="known">
    /// The same file, or a stack on it, as somebody who has it in use has looked at it; or null. As long as it has not changed since then, which the hints
    /// tell, nothing is read again: many devices over one base cost no more than one.
    /// </param>
    public BaseImage(IBlockFile file, string name, BaseHints? hints = null, string path = "", BaseImage? known = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        File = file;
        Name = name;
        Hints = hints;
        Path = path;
        LengthBytes = file.LengthBytes;
        Layout = new CowLayout(LengthBytes / CowLayout.BlockSize);
        known = known?._root ?? known;
        _content = hints is not null && known is not null && known.Hints == hints && known.LengthBytes == LengthBytes
            ? known._content
            : new BaseContent(BaseFingerprint.Compute(file, Layout.BlockCount));
    }

    private BaseImage(BaseImage root, LayerStack stack)
    {
        _root = root;
        File = stack;
        Name = root.Name;
        Hints = root.Hints;
        Path = root.Path;
        LengthBytes = root.LengthBytes;
        Layout = new CowLayout(stack.LengthBytes / CowLayout.BlockSize);
        _content = new BaseContent(BaseFingerprint.Compute(stack, Layout.BlockCount));
    }

    /// <summary>What is read: the base itself, or the stack.</summary>
    public IBlockFile File { get; }

    /// <summary>The topmost layer now, which a merge may take away while the stack is in use; null when there is none.</summary>
    public Layer? Top => (File as LayerStack)?.Layers[^1];

    /// <summary>As the user named it.</summary>
    public string Name { get; }

    /// <summary>Which file it is, or null.</summary>
    public BaseHints? Hints { get; }

    /// <summary>Where it is; may be empty.</summary>
    public string Path { get; private set; }

    /// <summary>Exact length of the base in bytes.</summary>
    public long LengthBytes { get; }

    /// <summary>The layout of its cowfiles.</summary>
    public CowLayout Layout { get; }

    /// <summary>The original's fingerprint.</summary>
    public uint Fingerprint => _content.Fingerprint;

    /// <summary>What it holds, from samples; read when it is asked for first.</summary>
    public BaseIdentity Identity => _root?.Identity ?? _content.IdentityOf(File, LengthBytes);

    /// <summary>The same, as the record of a cowfile elsewhere is to describe it.</summary>
    /// <param name="path">Where the base is, relative to that cowfile's directory or absolute; may be empty.</param>
    public BaseImage SeenFrom(string path)
    {
        var image = (BaseImage)MemberwiseClone();
        image.Path = path;
        return image;
    }

    /// <summary>The same base seen through layers.</summary>
    public BaseImage On(LayerStack stack)
    {
        ArgumentNullException.ThrowIfNull(stack);
        return new BaseImage(_root ?? this, stack);
    }

    /// <summary>Reads all of it.</summary>
    /// <returns>Its SHA-256.</returns>
    /// <exception cref="CowloopException">A part of it can't be read.</exception>
    public byte[] ComputeDigest()
    {
        try
        {
            return BaseIdentity.ComputeDigest((_root ?? this).File, LengthBytes);
        }
        catch (CowloopException exception)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"rdofile {Name} cannot be verified: {exception.Message}",
                "its disk may be failing; without --verify-base only samples of it are read");
        }
    }

    /// <summary>What has been read of a base. Many images may share it.</summary>
    private sealed class BaseContent(uint fingerprint)
    {
        // An object, so that it is there whole or not at all.
        private Tuple<BaseIdentity>? _identity;

        public uint Fingerprint => fingerprint;

        public BaseIdentity IdentityOf(IBlockFile file, long lengthBytes)
        {
            Tuple<BaseIdentity>? identity = Volatile.Read(ref _identity);
            if (identity is null)
            {
                identity = new Tuple<BaseIdentity>(BaseIdentity.Compute(file, lengthBytes));
                Volatile.Write(ref _identity, identity);
            }
            return identity.Item1;
        }
    }
}
