using Cowloop.Core;
using Cowloop.Core.Layers;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>Opens the layers of a new device: only for reading, and so that nobody writes to them meanwhile.</summary>
internal sealed class LayerOpener(DeviceTable table, DeadDevices dead)
{
    /// <summary>Opens layers and locks them shared, as any number of devices can. What is in them is verified by others.</summary>
    /// <param name="members">The layers, bottom to top.</param>
    /// <param name="baseIdentity">Which file the base is.</param>
    /// <exception cref="CowloopException">One of them can't be had; none is open.</exception>
    public IReadOnlyList<DeviceLayer> Open(IReadOnlyList<StackMember> members, FileIdentity baseIdentity)
    {
        LayerStack.RequireCount(members.Count);
        var opened = new List<DeviceLayer>();
        try
        {
            foreach (StackMember member in members)
            {
                DeviceLayer layer = Open(member);
                opened.Add(layer);
                if (layer.Identity.IsSameAs(baseIdentity))
                {
                    throw new CowloopException(Errno.EINVAL, $"rdofile and layer {member.Name} are the same file", "name each file of a stack once")
                    {
                        Path = member.Path,
                    };
                }
                if (opened[..^1].Find(other => other.Identity.IsSameAs(layer.Identity)) is DeviceLayer twice)
                {
                    throw new CowloopException(
                        Errno.EINVAL,
                        $"layers {twice.Name} and {member.Name} are the same file",
                        "name each file of a stack once")
                    {
                        Path = member.Path,
                    };
                }
            }
            return opened;
        }
        catch
        {
            Close(opened);
            throw;
        }
    }

    /// <summary>Closes layers that came to no use.</summary>
    public static void Close(IEnumerable<DeviceLayer> layers)
    {
        foreach (DeviceLayer layer in layers)
        {
            layer.Content.Dispose();
        }
    }

    private DeviceLayer Open(StackMember member)
    {
        dead.RefuseFileOn($"layer {member.Name}", member.Path);
        Errno errno = PosixFile.TryOpenRead(member.Path, out PosixFile? file);
        if (file is null)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"open of layer {member.Name} failed: {errno.Text()}",
                errno == Errno.ENOENT ? "check the path" : null)
            {
                Path = member.Path,
            };
        }
        try
        {
            var content = StoredFile.Open(file, member.Name);
            if (!content.CanBeCowfile)
            {
                throw new CowloopException(Errno.EINVAL, $"layer {member.Name} is not regular file", "name a cowfile") { Path = member.Path };
            }
            errno = file.TryLock(exclusive: false);
            if (errno == Errno.EAGAIN)
            {
                string by = table.FindByCowfile(file.Identity) is CowDevice owner
                    ? $"it is the cowfile of cowdevice {owner.Number}, which writes to it"
                    : "another process has it locked for writing";
                throw new CowloopException(
                    Errno.EBUSY,
                    $"layer {member.Name} is in use: {by}",
                    "a layer must not change: end that use, or make it a layer there first: cowloop snapshot")
                {
                    Path = member.Path,
                };
            }
            if (errno != Errno.None)
            {
                throw new CowloopException(
                    Errno.EINVAL,
                    $"layer {member.Name} cannot be locked: {errno.Text()}",
                    "put it on a filesystem that supports file locks")
                {
                    Path = member.Path,
                };
            }
            return new DeviceLayer(member.Name, member.Path, file, content);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
