using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Cowloop.Core;
using static Cowloop.Fuse.FuseAbi;

namespace Cowloop.Fuse;

/// <summary>Turns one request into one reply: the protocol on a flat tree. Holds no state but the tree, so any number of workers share it.</summary>
/// <param name="tree">The files.</param>
internal sealed class FuseDispatcher(FlatTree tree)
{
    /// <summary>Largest read or write request: its pages and a header fit into a pipe that needs no privilege, and what is longer has two workers.</summary>
    public const int MaxTransferBytes = 512 << 10;

    private const int PageBytes = 4096;

    // Less is copied as fast as its pages are handed over.
    private const int MinMovedBytes = 128 << 10;

    // Attributes only change when a file comes or goes, and its node number never comes back. So they hold for ever (a century), which the next
    // service relies on: the kernel tells nothing of a loop device whose file it has to ask a dead process about.
    private const ulong AttributeSeconds = 100UL * 365 * 24 * 3600;

    // All devices share a connection: requests that wait for a hanging base must not use up what the others need.
    private const ushort MaxBackground = ushort.MaxValue;

    private const uint RegularFileEntry = 8;

    /// <summary>Where a request lines up before it is served, or null when it is served at once.</summary>
    public RequestLane? LaneOf(FuseRequest request) =>
        request.Opcode is FuseOpcode.FUSE_READ or FuseOpcode.FUSE_WRITE or FuseOpcode.FUSE_FSYNC or FuseOpcode.FUSE_FALLOCATE
        && tree.TryGet(request.Node, out FuseFile? file)
            ? file.Lane
            : null;

    /// <summary>Looks whether a request reads so much of a file that it is worth while to spare a copy of it, and the file may allow it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="file">The file.</param>
    /// <param name="offsetBytes">Where it reads.</param>
    /// <param name="lengthBytes">How much there is to read.</param>
    public bool IsLargeRead(FuseRequest request, [NotNullWhen(true)] out FuseFile? file, out long offsetBytes, out int lengthBytes)
    {
        file = null;
        offsetBytes = lengthBytes = 0;
        if (request.Opcode != FuseOpcode.FUSE_READ
            || !request.TryArguments(out fuse_read_in arguments)
            || arguments.size is < MinMovedBytes or > MaxTransferBytes
            || arguments.offset > long.MaxValue
            || !tree.TryGet(request.Node, out file)
            || !file.MayReadTo)
        {
            return false;
        }
        offsetBytes = (long)arguments.offset;
        lengthBytes = (int)Math.Clamp(file.LengthBytes - offsetBytes, 0, arguments.size);
        return lengthBytes >= MinMovedBytes;
    }

    /// <summary>Serves a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="reply">Where the reply is built; its payload may overlap the request, which is decoded before it is overwritten.</param>
    /// <param name="payloadBytes">Length of the reply's payload.</param>
    /// <returns>The error to reply with, or null when there is no reply at all. A change that fails leaves its request as it was.</returns>
    public Errno? Dispatch(FuseRequest request, FuseReply reply, out int payloadBytes)
    {
        payloadBytes = 0;
        switch (request.Opcode)
        {
            case FuseOpcode.FUSE_READ:
                return Read(request, reply, out payloadBytes);
            case FuseOpcode.FUSE_WRITE:
                return Write(request, reply, out payloadBytes);
            case FuseOpcode.FUSE_FSYNC:
                return tree.TryGet(request.Node, out FuseFile? synced) ? synced.Sync() : Errno.ENODEV;
            case FuseOpcode.FUSE_FALLOCATE:
                return Fallocate(request);
            case FuseOpcode.FUSE_INIT:
                return Init(request, reply, out payloadBytes);
            case FuseOpcode.FUSE_LOOKUP:
                return Lookup(request, reply, out payloadBytes);
            case FuseOpcode.FUSE_GETATTR:
                return GetAttributes(request.Node, reply, out payloadBytes);
            case FuseOpcode.FUSE_SETATTR:
                return Errno.EPERM;
            case FuseOpcode.FUSE_OPEN:
                return Open(request.Node, reply, out payloadBytes);
            case FuseOpcode.FUSE_RELEASE:
                return Release(request);
            case FuseOpcode.FUSE_OPENDIR:
                payloadBytes = reply.Put(new fuse_open_out());
                return Errno.None;
            case FuseOpcode.FUSE_READDIR:
                return ReadDirectory(request, reply, out payloadBytes);
            case FuseOpcode.FUSE_RELEASEDIR:
            case FuseOpcode.FUSE_DESTROY:
                return Errno.None;
            case FuseOpcode.FUSE_STATFS:
                payloadBytes = reply.Put(new fuse_statfs_out { bsize = PageBytes, frsize = PageBytes, namelen = 255 });
                return Errno.None;
            case FuseOpcode.FUSE_FORGET:
            case FuseOpcode.FUSE_BATCH_FORGET:
            case FuseOpcode.FUSE_INTERRUPT:
                return null;
            default:
                return Errno.ENOSYS;
        }
    }

    private Errno Read(FuseRequest request, FuseReply reply, out int lengthBytes)
    {
        lengthBytes = 0;
        if (!request.TryArguments(out fuse_read_in arguments) || arguments.size > MaxTransferBytes || arguments.offset > long.MaxValue)
        {
            return Errno.EINVAL;
        }
        return tree.TryGet(request.Node, out FuseFile? file)
            ? file.Read(arguments.fh, (long)arguments.offset, reply.Payload[..(int)arguments.size], out lengthBytes)
            : Errno.ENODEV;
    }

    private Errno Write(FuseRequest request, FuseReply reply, out int payloadBytes)
    {
        payloadBytes = 0;
        if (!request.TryArguments(out fuse_write_in arguments))
        {
            return Errno.EINVAL;
        }
        ReadOnlySpan<byte> data = request.PayloadBehind<fuse_write_in>();
        if (arguments.size != data.Length)
        {
            return Errno.EINVAL;
        }
        if (!tree.TryGet(request.Node, out FuseFile? file))
        {
            return Errno.ENODEV;
        }
        Errno errno = file.Write((long)arguments.offset, data);
        if (errno == Errno.None)
        {
            // Over the data: not before it is done with.
            payloadBytes = reply.Put(new fuse_write_out { size = arguments.size });
        }
        return errno;
    }

    /// <summary>The loop device sends a discard as a punched hole, and write-zeroes as either that or a zeroed range that keeps its space.</summary>
    private Errno Fallocate(FuseRequest request)
    {
        if (!request.TryArguments(out fuse_fallocate_in arguments))
        {
            return Errno.EINVAL;
        }
        if (!tree.TryGet(request.Node, out FuseFile? file))
        {
            return Errno.ENODEV;
        }
        return arguments.mode switch
        {
            FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE => file.Zero((long)arguments.offset, (long)arguments.length, mayUnmap: true),
            FALLOC_FL_ZERO_RANGE or (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE) =>
                file.Zero((long)arguments.offset, (long)arguments.length, mayUnmap: false),
            _ => Errno.EOPNOTSUPP,
        };
    }

    private static Errno Init(FuseRequest request, FuseReply reply, out int payloadBytes)
    {
        payloadBytes = 0;
        if (!request.TryArguments(out fuse_init_in arguments) || arguments.major != FUSE_KERNEL_VERSION)
        {
            return Errno.EINVAL;
        }
        const uint Wanted = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES;
        payloadBytes = reply.Put(new fuse_init_out
        {
            major = FUSE_KERNEL_VERSION,
            minor = FUSE_KERNEL_MINOR_VERSION,
            max_readahead = arguments.max_readahead,
            flags = arguments.flags & Wanted,
            max_background = MaxBackground,
            congestion_threshold = MaxBackground,
            max_write = MaxTransferBytes,
            time_gran = 1,
            max_pages = MaxTransferBytes / PageBytes,
        });
        return Errno.None;
    }

    private Errno Lookup(FuseRequest request, FuseReply reply, out int payloadBytes)
    {
        payloadBytes = 0;
        if (request.Node != FUSE_ROOT_ID || !tree.TryLookup(request.Name(), out ulong node, out FuseFile? file))
        {
            return Errno.ENOENT;
        }
        // The name may stand for another file tomorrow, hence no entry_valid.
        payloadBytes = reply.Put(new fuse_entry_out { nodeid = node, attr_valid = AttributeSeconds, attr = Describe(node, file) });
        return Errno.None;
    }

    private Errno GetAttributes(ulong node, FuseReply reply, out int payloadBytes)
    {
        payloadBytes = 0;
        fuse_attr attributes;
        if (node == FUSE_ROOT_ID)
        {
            attributes = new fuse_attr { ino = node, mode = S_IFDIR | 0x16D, nlink = 2, blksize = PageBytes }; // 0555
        }
        else if (tree.TryGet(node, out FuseFile? file))
        {
            attributes = Describe(node, file);
        }
        else
        {
            return Errno.ENOENT;
        }
        payloadBytes = reply.Put(new fuse_attr_out { attr_valid = AttributeSeconds, attr = attributes });
        return Errno.None;
    }

    private Errno Open(ulong node, FuseReply reply, out int payloadBytes)
    {
        payloadBytes = 0;
        if (!tree.TryGet(node, out FuseFile? file))
        {
            return Errno.ENOENT;
        }
        Errno errno = file.Open(out ulong handle);
        payloadBytes = reply.Put(new fuse_open_out { fh = handle, open_flags = file.OpenFlags });
        return errno;
    }

    private Errno Release(FuseRequest request)
    {
        if (!request.TryArguments(out fuse_release_in arguments))
        {
            return Errno.EINVAL;
        }
        if (tree.TryGet(request.Node, out FuseFile? file))
        {
            file.Release(arguments.fh);
        }
        return Errno.None;
    }

    /// <summary>
    /// Entries behind the offset, as many as fit. An entry's offset is its node number, so a file that goes between two
    /// requests hides no other.
    /// </summary>
    private Errno ReadDirectory(FuseRequest request, FuseReply reply, out int payloadBytes)
    {
        payloadBytes = 0;
        if (!request.TryArguments(out fuse_read_in arguments) || arguments.size > MaxTransferBytes)
        {
            return Errno.EINVAL;
        }
        Span<byte> target = reply.Payload[..(int)arguments.size];
        foreach ((string name, ulong node) in tree.List())
        {
            if (node <= arguments.offset)
            {
                continue;
            }
            int nameBytes = Encoding.UTF8.GetByteCount(name);
            int entryBytes = (Unsafe.SizeOf<fuse_dirent>() + nameBytes + 7) / 8 * 8;
            if (entryBytes > target.Length)
            {
                break;
            }
            target[..entryBytes].Clear();
            MemoryMarshal.Write(target, new fuse_dirent { ino = node, off = node, namelen = (uint)nameBytes, type = RegularFileEntry });
            Encoding.UTF8.GetBytes(name, target[Unsafe.SizeOf<fuse_dirent>()..]);
            target = target[entryBytes..];
            payloadBytes += entryBytes;
        }
        return Errno.None;
    }

    private static fuse_attr Describe(ulong node, FuseFile file) => new()
    {
        ino = node,
        size = (ulong)file.LengthBytes,
        blocks = (ulong)(file.LengthBytes / 512),
        mode = S_IFREG | file.Permissions,
        nlink = 1,
        blksize = PageBytes,
    };
}
