using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>A cowfile that is to be made without a device.</summary>
internal sealed record NewCowfile
{
    /// <summary>The base, as the user named it.</summary>
    public required string Base { get; init; }

    /// <summary>The cowfile, as the user named it.</summary>
    public required string Name { get; init; }

    /// <summary>Cowfiles that it is to lie on, bottom to top; those that the lowest was made on are found.</summary>
    public IReadOnlyList<string> Layers { get; init; } = [];

    /// <summary>Size of the device where it is to be larger than what it lies on; or null.</summary>
    public long? DeviceBytes { get; init; }

    /// <summary>As the original would make it.</summary>
    public bool IsPlain { get; init; }

    /// <summary>What it is kept in; null: what suits the filesystem.</summary>
    public StoreChoice? Store { get; init; }

    /// <summary>True when it can be made on a block device.</summary>
    public bool CanBeOnDevice => !IsPlain && Store is not { ChunkBytes: null };

    /// <summary>True for the name of a block device, on which a store is made in place of what it holds.</summary>
    public static bool IsDevice(string name) => FileIdentity.TryGet(name, out FileIdentity identity) == Errno.None && identity.Kind == FileKind.BlockDevice;

    /// <summary>Makes it, durably.</summary>
    /// <param name="mayOverwrite">Asked, when it is to be on a block device that holds something, with what that is.</param>
    /// <returns>What it is kept in, the size of its device, and what the user should know, or null. Null when a device may not be overwritten.</returns>
    /// <exception cref="CowloopException">It can't be made; there is nothing of it.</exception>
    public (StoreInfo Store, long DeviceBytes, string? Notice)? Make(Func<string, bool> mayOverwrite)
    {
        if (IsPlain && Store?.ChunkBytes is not null)
        {
            throw new CowloopException(Errno.EINVAL, "a compact store is nothing that the original knows", "leave --plain out, or --store");
        }
        bool isOnDevice = IsDevice(Name);
        if (isOnDevice && !CanBeOnDevice)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{Name} is a block device: only a compact store can be made on one",
                "leave --plain and --store classic out");
        }
        if (isOnDevice && Store?.LimitBytes is not null)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{Name} is a block device: a store on it can take all of it, and has no limit of its own",
                "leave --store-size out, or name a smaller device");
        }
        string directory = Path.GetDirectoryName(Path.GetFullPath(Name))!;
        using StackOpener stack = StackOpener.Open(Base, Layers, directory);
        if (isOnDevice && !IsFree(stack, mayOverwrite))
        {
            return null;
        }
        Errno errno = isOnDevice ? PosixFile.TryOpenAlone(Name, out PosixFile? file) : PosixFile.TryCreate(Name, out file);
        if (file is null)
        {
            string? hint = errno switch
            {
                Errno.EEXIST => "name a file that does not exist yet",
                Errno.EBUSY => "end its use: a mount, a volume group, a device that has it as cowfile",
                _ => null,
            };
            throw new CowloopException(errno, $"cowfile {Name} cannot be made: {errno.Text()}", hint);
        }
        try
        {
            using (file)
            {
                if (file.TryLock(exclusive: true) == Errno.EAGAIN)
                {
                    throw FileOpener.InUse(Name, file.Identity);
                }
                var options = new CowfileOptions
                {
                    AllocateZeroedWords = words => new NativeWords(words),
                    NewId = IsPlain ? null : Guid.NewGuid(),
                    DeviceBytes = DeviceBytes,
                    ParentPath = stack.Layers.Count == 0 ? null : Path.GetRelativePath(directory, Path.GetFullPath(stack.Layers[^1].Name)),
                };
                StoreChoice choice = Store ?? (IsPlain ? StoreChoice.Classic : StoreChoice.For(file));
                using StoredFile stored = choice.Make(file, Name, Cowfile.LayoutOfNew(stack.Image, options));
                using Cowfile cowfile = Cowfile.Open(stored, Name, stack.Image, options);
                string? notice = Store is null && choice.ChunkBytes is not null && !isOnDevice ? StoreChoice.WhyCompact(Name) : null;
                return (StoreInfo.Of(stored), cowfile.Layout.DeviceBytes, notice);
            }
        }
        catch when (!isOnDevice)
        {
            _ = PosixFile.Unlink(Name);
            throw;
        }
    }

    /// <summary>Sees to it that a device can be overwritten, and that nobody takes it any more for what it was.</summary>
    /// <returns>False when it holds something that may not be overwritten.</returns>
    /// <exception cref="CowloopException">It is what the cowfile is to lie on, leads there, or is in use.</exception>
    private bool IsFree(StackOpener stack, Func<string, bool> mayOverwrite)
    {
        _ = FileIdentity.TryGet(Name, out FileIdentity device);
        if (stack.Shares(device, Name))
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{Name} leads to what the cowfile is to lie on, or that lies on it: it would be lost",
                "name another device for the changes");
        }
        BaseOpener.RefuseIfInUse(Name, device, "all that it holds would be lost; name another device, or end that use first");
        if (DeviceContent.Describe(Name) is string content)
        {
            if (!mayOverwrite(content))
            {
                return false;
            }
            DeviceContent.Erase(Name);
        }
        return true;
    }
}
