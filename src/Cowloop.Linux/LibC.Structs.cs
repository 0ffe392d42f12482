using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Cowloop.Linux;

internal static partial class LibC
{
    /// <summary>struct flock, 64-bit.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct flock_t
    {
        public short l_type;
        public short l_whence;
        public long l_start;
        public long l_len;
        public int l_pid;
    }

    [StructLayout(LayoutKind.Explicit, Size = 16)]
    public struct statx_timestamp
    {
        [FieldOffset(0)] public long tv_sec;
        [FieldOffset(8)] public uint tv_nsec;
    }

    /// <summary>struct statx, as far as it is used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct statx_t
    {
        [FieldOffset(20)] public uint stx_uid;
        [FieldOffset(28)] public ushort stx_mode;
        [FieldOffset(32)] public ulong stx_ino;
        [FieldOffset(40)] public ulong stx_size;
        [FieldOffset(48)] public ulong stx_blocks;
        [FieldOffset(96)] public statx_timestamp stx_ctime;
        [FieldOffset(112)] public statx_timestamp stx_mtime;
        [FieldOffset(128)] public uint stx_rdev_major;
        [FieldOffset(132)] public uint stx_rdev_minor;
        [FieldOffset(136)] public uint stx_dev_major;
        [FieldOffset(140)] public uint stx_dev_minor;
        [FieldOffset(144)] public ulong stx_mnt_id;
    }

    /// <summary>struct statvfs, 64-bit, as far as it is used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 112)]
    public struct statvfs_t
    {
        [FieldOffset(8)] public ulong f_frsize;
        [FieldOffset(16)] public ulong f_blocks;
        [FieldOffset(32)] public ulong f_bavail;
        [FieldOffset(64)] public ulong f_fsid;
    }

    [InlineArray(64)]
    public struct name64
    {
        private byte _first;
    }

    [InlineArray(32)]
    public struct key32
    {
        private byte _first;
    }

    [InlineArray(2)]
    public struct init2
    {
        private ulong _first;
    }

    [InlineArray(8)]
    public struct reserved8
    {
        private ulong _first;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct loop_info64
    {
        public ulong lo_device;
        public ulong lo_inode;
        public ulong lo_rdevice;
        public ulong lo_offset;
        public ulong lo_sizelimit;
        public uint lo_number;
        public uint lo_encrypt_type;
        public uint lo_encrypt_key_size;
        public uint lo_flags;
        public name64 lo_file_name;
        public name64 lo_crypt_name;
        public key32 lo_encrypt_key;
        public init2 lo_init;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct loop_config
    {
        public uint fd;
        public uint block_size;
        public loop_info64 info;
        public reserved8 reserved;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct pollfd_t
    {
        public int fd;
        public short events;
        public short revents;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct sockaddr_nl
    {
        public ushort nl_family;
        public ushort nl_pad;
        public uint nl_pid;
        public uint nl_groups;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct ucred_t
    {
        public int pid;
        public uint uid;
        public uint gid;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct rlimit_t
    {
        public ulong rlim_cur;
        public ulong rlim_max;
    }
}
