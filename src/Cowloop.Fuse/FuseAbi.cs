using System.Runtime.InteropServices;

namespace Cowloop.Fuse;

/// <summary>Request codes of linux/fuse.h that a flat tree of device files meets; any other is answered with ENOSYS.</summary>
internal enum FuseOpcode : uint
{
    FUSE_LOOKUP = 1,
    FUSE_FORGET = 2,
    FUSE_GETATTR = 3,
    FUSE_SETATTR = 4,
    FUSE_OPEN = 14,
    FUSE_READ = 15,
    FUSE_WRITE = 16,
    FUSE_STATFS = 17,
    FUSE_RELEASE = 18,
    FUSE_FSYNC = 20,
    FUSE_INIT = 26,
    FUSE_OPENDIR = 27,
    FUSE_READDIR = 28,
    FUSE_RELEASEDIR = 29,
    FUSE_INTERRUPT = 36,
    FUSE_DESTROY = 38,
    FUSE_BATCH_FORGET = 42,
    FUSE_FALLOCATE = 43,
}

/// <summary>Constants and structures of linux/fuse.h, protocol 7.31 and up, under their own names.</summary>
internal static class FuseAbi
{
    public const uint FUSE_KERNEL_VERSION = 7;
    public const uint FUSE_KERNEL_MINOR_VERSION = 31;
    public const ulong FUSE_ROOT_ID = 1;

    public const uint FUSE_ASYNC_READ = 1 << 0;
    public const uint FUSE_BIG_WRITES = 1 << 5;
    public const uint FUSE_ASYNC_DIO = 1 << 15;
    public const uint FUSE_PARALLEL_DIROPS = 1 << 18;
    public const uint FUSE_MAX_PAGES = 1 << 22;

    public const uint FOPEN_DIRECT_IO = 1 << 0;
    public const uint FOPEN_NOFLUSH = 1 << 5;
    public const uint FOPEN_PARALLEL_DIRECT_WRITES = 1 << 6;

    public const uint FALLOC_FL_KEEP_SIZE = 0x01;
    public const uint FALLOC_FL_PUNCH_HOLE = 0x02;
    public const uint FALLOC_FL_ZERO_RANGE = 0x10;

    public const uint S_IFDIR = 0x4000;
    public const uint S_IFREG = 0x8000;

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_in_header
    {
        public uint len;
        public FuseOpcode opcode;
        public ulong unique;
        public ulong nodeid;
        public uint uid;
        public uint gid;
        public uint pid;
        public ushort total_extlen;
        public ushort padding;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_out_header
    {
        public uint len;
        public int error;
        public ulong unique;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_init_in
    {
        public uint major;
        public uint minor;
        public uint max_readahead;
        public uint flags;
    }

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    public struct fuse_init_out
    {
        public uint major;
        public uint minor;
        public uint max_readahead;
        public uint flags;
        public ushort max_background;
        public ushort congestion_threshold;
        public uint max_write;
        public uint time_gran;
        public ushort max_pages;
        public ushort map_alignment;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_attr
    {
        public ulong ino;
        public ulong size;
        public ulong blocks;
        public ulong atime;
        public ulong mtime;
        public ulong ctime;
        public uint atimensec;
        public uint mtimensec;
        public uint ctimensec;
        public uint mode;
        public uint nlink;
        public uint uid;
        public uint gid;
        public uint rdev;
        public uint blksize;
        public uint flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_entry_out
    {
        public ulong nodeid;
        public ulong generation;
        public ulong entry_valid;
        public ulong attr_valid;
        public uint entry_valid_nsec;
        public uint attr_valid_nsec;
        public fuse_attr attr;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_attr_out
    {
        public ulong attr_valid;
        public uint attr_valid_nsec;
        public uint dummy;
        public fuse_attr attr;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_open_out
    {
        public ulong fh;
        public uint open_flags;
        public int backing_id;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_read_in
    {
        public ulong fh;
        public ulong offset;
        public uint size;
        public uint read_flags;
        public ulong lock_owner;
        public uint flags;
        public uint padding;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_write_in
    {
        public ulong fh;
        public ulong offset;
        public uint size;
        public uint write_flags;
        public ulong lock_owner;
        public uint flags;
        public uint padding;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_write_out
    {
        public uint size;
        public uint padding;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_release_in
    {
        public ulong fh;
        public uint flags;
        public uint release_flags;
        public ulong lock_owner;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_fallocate_in
    {
        public ulong fh;
        public ulong offset;
        public ulong length;
        public uint mode;
        public uint padding;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_statfs_out
    {
        public ulong blocks;
        public ulong bfree;
        public ulong bavail;
        public ulong files;
        public ulong ffree;
        public uint bsize;
        public uint namelen;
        public uint frsize;
        public uint padding;
        public ulong spare0;
        public ulong spare1;
        public ulong spare2;
    }

    /// <summary>Front of a directory entry; the name follows, padded to 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct fuse_dirent
    {
        public ulong ino;
        public ulong off;
        public uint namelen;
        public uint type;
    }
}
