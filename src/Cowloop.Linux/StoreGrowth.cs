using Cowloop.Core;
using Cowloop.Core.Compact;

namespace Cowloop.Linux;

/// <summary>How large what a cowfile is kept in may get.</summary>
/// <param name="FormerBytes">What it was before; null: no limit.</param>
/// <param name="Bytes">The limit of its file, or the size of the block device that it is on; null: no limit.</param>
public sealed record StoreSize(long? FormerBytes, long? Bytes);

/// <summary>
/// How what a cowfile is kept in is to become larger: another limit for the file of a compact store, or the size that its block device has by now.
/// </summary>
public sealed record StoreGrowth
{
    private const int BytesPerKiB = 1024;

    private StoreGrowth()
    {
    }

    /// <summary>Nothing is said: a block device is asked for its size.</summary>
    public static StoreGrowth Unsaid { get; } = new();

    /// <summary>The limit is taken away.</summary>
    public static StoreGrowth Unlimited { get; } = new() { IsUnlimited = true };

    /// <summary>The new limit in bytes; null when it is not said so.</summary>
    public long? LimitBytes { get; private init; }

    /// <summary>How many bytes more than up to now; null when it is not said so.</summary>
    public long? AddedBytes { get; private init; }

    /// <summary>True when there is to be no limit.</summary>
    public bool IsUnlimited { get; private init; }

    /// <summary>A limit.</summary>
    public static StoreGrowth To(long limitBytes) => new() { LimitBytes = limitBytes };

    /// <summary>More than up to now.</summary>
    public static StoreGrowth By(long addedBytes) => new() { AddedBytes = addedBytes };

    /// <summary>Makes it so, durably, also while the cowfile is in use. One at a time for a file.</summary>
    /// <param name="file">The file that holds the cowfile, open for writing.</param>
    /// <param name="name">As the user named it.</param>
    /// <exception cref="CowloopException">It can't be; nothing has changed.</exception>
    public StoreSize Apply(StoredFile file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        string quoted = ShellWord.ForPath(name);
        if (file.Compact is not CompactFile store)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {name} is a classic one: it can take all the space of its filesystem, and has no limit of its own",
                $"when that is full, make space there or make it larger; a copy with a limit is made by: cowloop convert {quoted} NEW --store-size SIZE");
        }
        if (!store.IsOnDevice)
        {
            long? formerBytes = store.LimitBytes;
            store.SetLimit(LimitOf(store, name, quoted), name);
            return new StoreSize(formerBytes, store.LimitBytes);
        }
        if (this != Unsaid)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{name} is a block device: a store on it can take all of it, and has no size of its own",
                $"make the device larger with what it was made with, lvextend for instance; then: cowloop grow {quoted}");
        }
        long lengthBytes = file.File.LengthBytes;
        Errno errno = store.AskSize();
        return errno == Errno.None
            ? new StoreSize(lengthBytes, file.File.LengthBytes)
            : throw new CowloopException(errno, $"the size of {name} cannot be asked for: {errno.Text()}");
    }

    private long? LimitOf(CompactFile store, string name, string quoted)
    {
        if (IsUnlimited)
        {
            return null;
        }
        if (LimitBytes is long limitBytes)
        {
            return limitBytes;
        }
        if (AddedBytes is null)
        {
            string now = store.LimitBytes is long limit ? $"has a limit of {limit / BytesPerKiB} KiB" : "has no limit, and takes what its filesystem has";
            throw new CowloopException(
                Errno.EINVAL,
                $"the compact store {name} {now}: say what its limit is to be",
                $"for instance: cowloop grow {quoted} 4G; with +1G it becomes so much higher, with none there is no limit");
        }
        return store.LimitBytes switch
        {
            null => throw new CowloopException(
                Errno.EINVAL,
                $"the compact store {name} has no limit that could become higher",
                $"it takes what its filesystem has; a limit is set by: cowloop grow {quoted} SIZE"),
            long former when former > long.MaxValue - AddedBytes => throw new CowloopException(
                Errno.EINVAL,
                $"the limit of compact store {name} would have more than {long.MaxValue} bytes",
                $"take it away: cowloop grow {quoted} none"),
            long former => former + AddedBytes,
        };
    }
}
