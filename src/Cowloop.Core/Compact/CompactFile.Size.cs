namespace Cowloop.Core.Compact;

public sealed partial class CompactFile
{
    private const int BytesPerKiB = 1024;

    /// <summary>Asks the block device that the store is on for its size anew; <see cref="ChunkCount"/> follows. In a file nothing is to be asked.</summary>
    public Errno AskSize() => _table.AskAnew();

    /// <summary>Changes how long the file of the store may get, durably, also while it is in use. One caller at a time.</summary>
    /// <param name="limitBytes">The limit; null: none.</param>
    /// <param name="name">The store as the user named it.</param>
    /// <exception cref="CowloopException">It is on a block device, the limit is less than what is in use, or it can't be made durable.</exception>
    public void SetLimit(long? limitBytes, string name)
    {
        if (_table.Store is not FileGroups groups)
        {
            throw NoLimitOnDevice(name);
        }
        // 0 means none in the store, and is less than anything here.
        Errno errno = limitBytes <= 0 ? Errno.EINVAL : _table.SetLimit(groups, limitBytes ?? 0);
        switch (errno)
        {
            case Errno.None:
                return;
            case Errno.EINVAL:
                throw LimitTooSmall(name, limitBytes!.Value, _table.LeastLimitBytes);
            default:
                throw new CowloopException(errno, $"the limit of compact store {name} cannot be changed: {errno.Text()}")
                {
                    Fault = Fault.WriteHeader,
                };
        }
    }

    private static CowloopException NoLimitOnDevice(string name) => new(
        Errno.EINVAL,
        $"{name} is a block device: its compact store can take all of it, and has no limit of its own",
        "make the device larger, or smaller, with what it was made with");

    private static CowloopException LimitTooSmall(string name, long limitBytes, long leastBytes)
    {
        long leastKiB = (leastBytes + BytesPerKiB - 1) / BytesPerKiB;
        return new CowloopException(
            Errno.EINVAL,
            $"a limit of {limitBytes / BytesPerKiB} KiB is too small for compact store {name}, which needs {leastKiB} KiB",
            $"take {leastKiB}K or more: a file does not get shorter, but what is discarded in it is used again");
    }
}
