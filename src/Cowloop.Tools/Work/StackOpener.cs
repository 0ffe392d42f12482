using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>A base and cowfiles on it, opened for reading and locked against changes; all is verified as for a device.</summary>
internal sealed class StackOpener : IDisposable
{
    private readonly List<StoredFile> _files = [];
    private readonly List<Layer> _layers = [];
    private PosixFile? _base;
    private BaseImage? _image;

    private StackOpener(string baseName) => BaseName = baseName;

    /// <summary>The base, as the user named it, or where it was found.</summary>
    public string BaseName { get; }

    /// <summary>What is seen.</summary>
    public BaseImage Image => _image!;

    /// <summary>What is seen, as a file.</summary>
    public CheckedFile View => new(Image.File, BaseName);

    /// <summary>The layers, bottom to top.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>The files: the base, and then those of the layers.</summary>
    public IReadOnlyList<FileIdentity> Identities => [_base!.Identity, .. _files.Select(file => file.Identity)];

    /// <summary>Opens a base and the cowfiles on it.</summary>
    /// <param name="baseName">The base.</param>
    /// <param name="cowfiles">Cowfiles, bottom to top; those that the lowest one lies on are found.</param>
    /// <param name="seenFrom">The directory from which the base's path is seen, where it is to be written down.</param>
    /// <exception cref="CowloopException">One of them can't be opened, is in use, or does not belong there.</exception>
    public static StackOpener Open(string baseName, IReadOnlyList<string> cowfiles, string? seenFrom = null)
    {
        IReadOnlyList<StackMember> members = LayerFinder.Complete([.. cowfiles.Select(MemberOf)]);
        return OpenMembers(baseName, members, seenFrom);
    }

    /// <summary>Opens what a cowfile lies on.</summary>
    /// <param name="baseName">The base; null for the one that the lowest layer's record names.</param>
    /// <param name="cowfile">The cowfile; not opened.</param>
    /// <param name="layers">The layers that are named, bottom to top; those that the record names are found.</param>
    /// <exception cref="CowloopException">One of them can't be opened, is in use, or does not belong there.</exception>
    public static StackOpener OpenBelow(string? baseName, string cowfile, IReadOnlyList<string> layers)
    {
        IReadOnlyList<StackMember> members = LayerFinder.Complete([.. layers.Append(cowfile).Select(MemberOf)]);
        return OpenMembers(baseName ?? FindBase(members[0]), [.. members.SkipLast(1)], Path.GetDirectoryName(Path.GetFullPath(cowfile)));
    }

    /// <summary>Opens a cowfile through what it lies on.</summary>
    /// <param name="baseName">The base; null for the one that the lowest layer's record names.</param>
    /// <param name="cowfile">The cowfile.</param>
    /// <exception cref="CowloopException">One of them can't be opened, is in use, or does not belong there.</exception>
    public static StackOpener OpenThrough(string? baseName, string cowfile)
    {
        IReadOnlyList<StackMember> members = LayerFinder.Complete([MemberOf(cowfile)]);
        return OpenMembers(baseName ?? FindBase(members[0]), members, null);
    }

    /// <summary>The layers of two stacks that are not the very same file at the same height in both; null when their bases are not the same file.</summary>
    public static IReadOnlyList<Layer>? DifferentLayers(StackOpener one, StackOpener other)
    {
        int common = one.Identities.Zip(other.Identities).TakeWhile(pair => pair.First.IsSameAs(pair.Second)).Count();
        return common == 0 ? null : [.. one._layers.Skip(common - 1), .. other._layers.Skip(common - 1)];
    }

    /// <summary>True for a block device that leads to the base or a layer, or that one of them lies on: whoever writes to it writes to that.</summary>
    /// <param name="device">The device.</param>
    /// <param name="name">Its name.</param>
    public bool Shares(FileIdentity device, string name)
    {
        var below = StorageStack.Below(device, name);
        return Identities.Any(source => source.IsSameAs(device) || below.GoesThrough(source))
            || _layers.Select(layer => layer.Name).Prepend(BaseName).Any(source => StorageStack.Below(source).GoesThrough(device));
    }

    public void Dispose()
    {
        // Gives back the memory of the layers, too.
        _image?.File.Dispose();
        foreach (StoredFile file in _files)
        {
            file.Dispose();
        }
        _base?.Dispose();
    }

    private static StackMember MemberOf(string name) => new(name, Path.GetFullPath(name));

    private static StackOpener OpenMembers(string baseName, IReadOnlyList<StackMember> members, string? seenFrom)
    {
        var stack = new StackOpener(baseName);
        try
        {
            stack.OpenBase(seenFrom);
            foreach (StackMember member in members)
            {
                stack.OpenFile(member);
            }
            stack.Assemble(members);
            Parentage.RequireWhole(stack.Image.Top);
            return stack;
        }
        catch
        {
            stack.Dispose();
            throw;
        }
    }

    private static string FindBase(StackMember lowest)
    {
        using StoredFile file = FileOpener.OpenToLook(lowest.Name);
        var cowfile = new CheckedFile(file, lowest.Name);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        _ = CowfileChecks.ReadHeader(cowfile, headerBlock);
        string? path = CowfileChecks.DecodeRecord(headerBlock, lowest.Name)?.BasePath;
        return !string.IsNullOrEmpty(path)
            ? Path.GetFullPath(path, Path.GetDirectoryName(lowest.Path)!)
            : throw new CowloopException(Errno.EINVAL, $"cowfile {lowest.Name} does not say what its base is", "name it: --base BASE");
    }

    private void OpenBase(string? seenFrom)
    {
        PosixFile stored = BaseOpener.OpenToRead(BaseName);
        _base = stored;
        IBlockFile file = BaseOpener.ContentOf(stored, BaseName);
        if (file.LengthBytes / CowLayout.BlockSize is 0 or > CowLayout.MaxBlockCount)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{BaseName} cannot be a base: it has {file.LengthBytes} bytes",
                $"name an image of {CowLayout.BlockSize} bytes at least, and {CowLayout.MaxBlockCount * CowLayout.BlockSize} at most");
        }
        string path = seenFrom is null ? "" : Path.GetRelativePath(seenFrom, Path.GetFullPath(BaseName));
        _image = new BaseImage(file, BaseName, stored.Hints, path);
    }

    private void OpenFile(StackMember member)
    {
        StoredFile file = FileOpener.OpenToRead(member.Name);
        int same = Identities.ToList().FindIndex(other => other.IsSameAs(file.Identity));
        _files.Add(file);
        if (same >= 0)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{member.Name} is named twice: {(same == 0 ? "it is the base, too" : "it is another one of the layers, too")}",
                "name the base first, then each cowfile once, from bottom to top");
        }
    }

    private void Assemble(IReadOnlyList<StackMember> members)
    {
        // A stack may be full below its top, which is only read here.
        LayerStack.RequireCount(members.Count - 1);
        for (int done = 0; done < members.Count;)
        {
            int count = Math.Min(LayerStack.MaxLayers, members.Count - done);
            int first = done;
            (IBlockFile, string)[] files = [.. Enumerable.Range(first, count).Select(index => ((IBlockFile)_files[index], members[index].Name))];
            _image = LayerStack.Open(Image, files, new BaseOptions(), words => new NativeWords(words));
            _layers.AddRange(((LayerStack)Image.File).Layers);
            done += count;
        }
    }
}
