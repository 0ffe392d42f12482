using System.Text;
using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>
/// Tells when the partitions of a disk may have changed: the kernel's own uevents, and, because a kernel without a parser
/// for the partition table sends none, the moment somebody who wrote to a node of ours closes it.
/// </summary>
/// <remarks>One thread calls <see cref="Wait"/>; any thread may call <see cref="Stop"/>.</remarks>
public sealed unsafe class BlockEvents : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly SafeFileHandle _uevents;
    private readonly SafeFileHandle _closes;
    private readonly SafeFileHandle _stop;
    private readonly NativeBuffer _buffer = new(BufferBytes);

    /// <summary>Starts to listen.</summary>
    /// <param name="nodeDirectory">The directory of our nodes.</param>
    /// <exception cref="CowloopException">The kernel refuses.</exception>
    public BlockEvents(string nodeDirectory)
    {
        _uevents = Checked(LibC.socket(LibC.AF_NETLINK, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC, LibC.NETLINK_KOBJECT_UEVENT), "uevent socket");
        var address = new LibC.sockaddr_nl { nl_family = LibC.AF_NETLINK, nl_groups = 1 };
        if (LibC.bind(_uevents, &address, (uint)sizeof(LibC.sockaddr_nl)) != 0)
        {
            throw new CowloopException(LibC.LastErrno, $"cannot listen to uevents: {LibC.LastErrno.Text()}");
        }
        _closes = Checked(LibC.inotify_init1(LibC.IN_CLOEXEC), "inotify");
        if (LibC.inotify_add_watch(_closes, nodeDirectory, LibC.IN_CLOSE_WRITE) < 0)
        {
            throw new CowloopException(LibC.LastErrno, $"cannot watch {nodeDirectory}: {LibC.LastErrno.Text()}");
        }
        _stop = Checked(LibC.eventfd(0, LibC.EFD_CLOEXEC), "eventfd");
    }

    /// <summary>Waits for the next events.</summary>
    /// <param name="kernelNames">Gets the names of disks with news, as in /sys/block.</param>
    /// <param name="nodeNames">Gets the names of nodes that a writer closed.</param>
    /// <returns>False after <see cref="Stop"/>.</returns>
    public bool Wait(ISet<string> kernelNames, ISet<string> nodeNames)
    {
        LibC.pollfd_t* files = stackalloc LibC.pollfd_t[3];
        files[0] = new LibC.pollfd_t { fd = (int)_stop.DangerousGetHandle(), events = LibC.POLLIN };
        files[1] = new LibC.pollfd_t { fd = (int)_uevents.DangerousGetHandle(), events = LibC.POLLIN };
        files[2] = new LibC.pollfd_t { fd = (int)_closes.DangerousGetHandle(), events = LibC.POLLIN };
        while (LibC.poll(files, 3, -1) < 0)
        {
            if (LibC.LastErrno != Errno.EINTR)
            {
                throw new CowloopException(LibC.LastErrno, $"cannot wait for block events: {LibC.LastErrno.Text()}");
            }
        }
        if (files[0].revents != 0)
        {
            return false;
        }
        if (files[1].revents != 0)
        {
            ReadUevent(kernelNames);
        }
        if (files[2].revents != 0)
        {
            ReadCloses(nodeNames);
        }
        return true;
    }

    /// <summary>Makes the waiter return.</summary>
    public void Stop()
    {
        ulong one = 1;
        _ = LibC.write(_stop, (byte*)&one, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _uevents.Dispose();
        _closes.Dispose();
        _stop.Dispose();
        _buffer.Dispose();
    }

    /// <summary>A message is <c>ACTION@PATH</c> and then KEY=VALUE texts, each ended by a zero byte.</summary>
    private void ReadUevent(ISet<string> kernelNames)
    {
        Span<byte> message = Receive(_uevents);
        if (message.IndexOf("SUBSYSTEM=block\0"u8) < 0)
        {
            return;
        }
        // .../block/loop3 or .../block/loop3/loop3p1: the disk is the element behind "block".
        int end = message.IndexOf((byte)0);
        string[] elements = Encoding.UTF8.GetString(message[..Math.Max(end, 0)]).Split('/');
        int block = Array.LastIndexOf(elements, "block");
        if (block >= 0 && block + 1 < elements.Length)
        {
            kernelNames.Add(elements[block + 1]);
        }
    }

    /// <summary>An event is struct inotify_event: wd, mask, cookie and len of 4 bytes each, then len bytes of name.</summary>
    private void ReadCloses(ISet<string> nodeNames)
    {
        const int HeaderBytes = 16;
        for (Span<byte> rest = Receive(_closes); rest.Length >= HeaderBytes;)
        {
            int nameBytes = BitConverter.ToInt32(rest[12..]);
            Span<byte> name = rest.Slice(HeaderBytes, nameBytes);
            int end = name.IndexOf((byte)0);
            if (nameBytes > 0) // An event without a name is about the directory itself.
            {
                nodeNames.Add(Encoding.UTF8.GetString(end < 0 ? name : name[..end]));
            }
            rest = rest[(HeaderBytes + nameBytes)..];
        }
    }

    private Span<byte> Receive(SafeFileHandle file)
    {
        fixed (byte* start = _buffer.Span)
        {
            // An overrun socket (ENOBUFS) or an interruption gives nothing; the next event brings the state up to date.
            nint length = LibC.read(file, start, BufferBytes);
            return _buffer.Span[..(int)Math.Max(length, 0)];
        }
    }

    private static SafeFileHandle Checked(int descriptor, string what) => descriptor < 0
        ? throw new CowloopException(LibC.LastErrno, $"cannot open {what}: {LibC.LastErrno.Text()}")
        : LibC.ToHandle(descriptor);
}
