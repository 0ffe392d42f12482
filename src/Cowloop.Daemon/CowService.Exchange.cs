using System.Globalization;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Daemon;

internal sealed partial class CowService
{
    private const int MaxDerivedNames = 10_000;

    /// <summary>Seals the cowfile of a device, which may be in use, and lets a new one take the changes.</summary>
    /// <exception cref="CowloopException">It can't be done; the device goes on as it was.</exception>
    public SnapshotReply Snapshot(int number, SnapshotRequest request)
    {
        CowDevice device = GetWithCowfile(number);
        string path = RequestPath.Resolve(request.Cowfile, request.Directory, "specify name of copy-on-write file");
        return Snapshot(device, request.Cowfile, path, request.Freeze, request.Directory);
    }

    /// <summary>Throws the changes of a device away: those in its cowfile, not those in its layers.</summary>
    /// <exception cref="CowloopException">It is in use, or it can't be done; nothing is thrown away.</exception>
    public void Rollback(int number)
    {
        CowDevice device = _table.Get(number);
        if (DescribeUse(device, LookAtUsers()) is string use)
        {
            throw new CowloopException(Errno.EBUSY, $"cowdevice {number} is {use}", "unmount it, or close what has it open, and try again");
        }
        DeviceTop former = device.Exclusively(() => _exchange.Rollback(device));
        ServiceLog.Notice($"cowdevice {number} rolled back: {former.Overlay.UsedBlocks} blocks thrown away");
        device.FollowUp(() => device.Disk.Discard(former.Overlay));
        device.Attachment.Loop.ReadPartitionTable();
        _nodes.Update(device);
    }

    /// <summary>Makes a second device of what a device, which may be in use, holds now.</summary>
    /// <exception cref="CowloopException">It can't be done. A snapshot of the first one that was made for it stays, and the reason says so.</exception>
    public ForkReply Fork(int number, ForkRequest request)
    {
        CowDevice device = GetWithCowfile(number);
        string path = RequestPath.Resolve(request.Cowfile, request.Directory, "specify name of copy-on-write file");
        if (FileIdentity.TryGet(path, out _) == Errno.None)
        {
            throw new CowloopException(Errno.EEXIST, $"cowfile {request.Cowfile} exists already", "name a file that does not exist yet") { Path = path };
        }
        bool hasChanges = device.Overlay.UsedBlocks > 0;
        if (!hasChanges && device.Files.Layers.Count == 0)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowdevice {number} holds what its rdofile holds, nothing more",
                $"make a second device of that: cowloop attach {ShellWord.ForPath(device.Files.BasePath)} {ShellWord.ForPath(path)}");
        }
        SnapshotReply? snapshot = hasChanges ? SnapshotForFork(device, request) : null;
        try
        {
            DeviceFiles files = device.Files;
            AttachReply reply = Attach(new AttachRequest(
                files.BaseNode ?? files.BasePath,
                request.Cowfile,
                request.Directory,
                request.Number,
                Settings: new SettingsRequest(device.Policy.Settings.OnFull, device.Policy.Settings.WarnAt, device.Policy.Settings.Hook),
                Layers: [.. files.Layers.Select(layer => layer.Path)]));
            return new ForkReply(reply.Device, snapshot, reply.Warnings);
        }
        catch (CowloopException exception) when (snapshot is not null)
        {
            throw new CowloopException(
                exception.Errno,
                $"the snapshot is made, and cowdevice {number} goes on with {device.Files.CowfilePath}, but not the second device: {exception.Message}",
                exception.Hint)
            {
                Path = exception.Path,
                Fault = exception.Fault,
            };
        }
    }

    /// <summary>Merges the topmost layer of a device, which may be in use, into the one below it.</summary>
    /// <exception cref="CowloopException">It can't be done, or only in part; the device goes on as it was, and the same merge does the rest.</exception>
    /// <param name="number">The device.</param>
    /// <param name="aborted">Who asked for it has gone: it ends where it can be taken up again.</param>
    public LayerMergeReply MergeLayers(int number, CancellationToken aborted)
    {
        CowDevice device = _table.Get(number);
        try
        {
            (DeviceFiles former, long blockCount) = device.Exclusively(() =>
            {
                using var work = new LayerWork(device, aborted);
                return _merge.Merge(device, work);
            });
            string upper = former.Layers[^1].Path;
            string lower = former.Layers[^2].Path;
            ServiceLog.Notice($"cowdevice {number}: {blockCount} blocks of layer {upper} merged into {lower}, which does without it now");
            return new LayerMergeReply(_status.Describe(device), upper, lower, blockCount);
        }
        catch (OperationCanceledException)
        {
            throw new CowloopException(
                Errno.EINTR,
                aborted.IsCancellationRequested
                    ? $"the merge of layers of cowdevice {number} was interrupted: it is done in part"
                    : $"cowdevice {number} has been deactivated meanwhile: the merge is done in part",
                "its layers are as good as before; the same merge, also of inactive files with cowloop merge --into, does the rest");
        }
    }

    private SnapshotReply SnapshotForFork(CowDevice device, ForkRequest request)
    {
        string name = request.Top ?? DeriveName(device.Files.CowfilePath);
        string path = RequestPath.Resolve(name, request.Directory, "specify name of copy-on-write file");
        return Snapshot(device, name, path, request.Freeze, request.Directory);
    }

    private SnapshotReply Snapshot(CowDevice device, string name, string path, string? freeze, string directory)
    {
        DeviceTop former;
        TimeSpan pause;
        // Before anything is frozen: where it would lie on what is frozen it would wait for itself.
        new CowfilePlacement(_table).RequireElsewhere(name, path, device);
        using (freeze is null ? null : Freeze(device, RequestPath.Resolve(freeze, directory, "name the directory to freeze")))
        {
            (former, pause) = device.Exclusively(() => _exchange.Snapshot(device, name, path));
        }
        ServiceLog.Notice(
            $"cowdevice {device.Number}: {former.Files.CowfilePath} sealed, {path} takes the changes; they waited "
            + string.Create(CultureInfo.InvariantCulture, $"{pause.TotalMilliseconds:0.00} ms"));
        return new SnapshotReply(_status.Describe(device), former.Files.CowfilePath, (long)pause.TotalMicroseconds);
    }

    private static FrozenFileSystem Freeze(CowDevice device, string mountPoint)
    {
        LoopDevice loop = device.Attachment.Loop;
        return FrozenFileSystem.Freeze(
            mountPoint,
            number => number == loop.Number || loop.Partitions().Values.Any(partition => partition.Number == number));
    }

    /// <summary>The next free name after the present one: my.cow, my-2.cow, my-3.cow.</summary>
    private static string DeriveName(string path)
    {
        string extension = Path.GetExtension(path);
        string stem = path[..^extension.Length];
        int dash = stem.LastIndexOf('-');
        int count = 1;
        if (dash > 0 && int.TryParse(stem[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int found) && found is > 1 and < MaxDerivedNames)
        {
            stem = stem[..dash];
            count = found;
        }
        for (int next = count + 1; next <= count + MaxDerivedNames; next++)
        {
            string candidate = string.Create(CultureInfo.InvariantCulture, $"{stem}-{next}{extension}");
            if (!File.Exists(candidate))
            {
                return candidate;
            }
        }
        throw new CowloopException(Errno.EEXIST, $"there is no free name after {path}", "name the new cowfile yourself: --top PATH");
    }
}
