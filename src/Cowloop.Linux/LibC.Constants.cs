namespace Cowloop.Linux;

internal static partial class LibC
{
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_NOFOLLOW = 0x20000;
    public const int O_CLOEXEC = 0x80000;
    public const int O_PATH = 0x200000;
    public const int O_TMPFILE = 0x410000;

    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_EMPTY_PATH = 0x1000;
    public const int AT_STATX_DONT_SYNC = 0x4000;
    public const uint STATX_BASIC_STATS = 0x7ff;
    public const uint STATX_MNT_ID = 0x1000;

    public const uint S_IFMT = 0xf000;
    public const uint S_IFDIR = 0x4000;
    public const uint S_IFBLK = 0x6000;
    public const uint S_IFREG = 0x8000;

    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;

    public const int FALLOC_FL_KEEP_SIZE = 1;
    public const int FALLOC_FL_PUNCH_HOLE = 2;

    public const int POSIX_FADV_DONTNEED = 4;

    public const int F_SETFD = 2;
    public const int F_SETPIPE_SZ = 1031;
    public const uint SPLICE_F_NONBLOCK = 2;
    public const int FD_CLOEXEC = 1;
    public const int F_OFD_GETLK = 36;
    public const int F_OFD_SETLK = 37;
    public const short F_RDLCK = 0;
    public const short F_WRLCK = 1;
    public const short F_UNLCK = 2;
    public const int SIGXFSZ = 25;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    public const nuint BLKRRPART = 0x125F;
    public const nuint BLKSSZGET = 0x1268;
    public const nuint BLKGETSIZE64 = 0x80081272;

    public const nuint LOOP_CLR_FD = 0x4C01;
    public const nuint LOOP_SET_STATUS64 = 0x4C04;
    public const nuint LOOP_GET_STATUS64 = 0x4C05;
    public const nuint LOOP_CONFIGURE = 0x4C0A;
    public const nuint LOOP_CTL_GET_FREE = 0x4C82;
    public const uint MFD_CLOEXEC = 1;
    public const nuint FIFREEZE = 0xC0045877;
    public const nuint FITHAW = 0xC0045878;
    public const uint LO_FLAGS_READ_ONLY = 1;
    public const uint LO_FLAGS_PARTSCAN = 8;
    public const uint LO_FLAGS_DIRECT_IO = 16;

    public const nuint MS_RDONLY = 1;
    public const nuint MS_NOSUID = 2;
    public const nuint MS_NODEV = 4;
    public const nuint MS_NOEXEC = 8;
    public const int MNT_DETACH = 2;

    public const int CLONE_FILES = 0x400;

    public const int SYS_fsopen = 430;
    public const int SYS_fsconfig = 431;
    public const int SYS_fsmount = 432;
    public const int FSOPEN_CLOEXEC = 1;
    public const int FSMOUNT_CLOEXEC = 1;
    public const int FSCONFIG_SET_STRING = 1;
    public const int FSCONFIG_CMD_CREATE = 6;
    public const int MOUNT_ATTR_NOSUID = 2;
    public const int MOUNT_ATTR_NODEV = 4;
    public const int MOUNT_ATTR_NOEXEC = 8;

    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_PRIVATE = 2;
    public const int MAP_ANONYMOUS = 0x20;
    public const int MAP_NORESERVE = 0x4000;

    public const int MCL_CURRENT = 1;
    public const int MCL_FUTURE = 2;
    public const int MCL_ONFAULT = 4;

    public const int PR_SET_IO_FLUSHER = 57;

    public const int RLIMIT_NOFILE = 7;

    public const short POLLIN = 1;
    public const int EFD_CLOEXEC = 0x80000;
    public const int IN_CLOEXEC = 0x80000;
    public const uint IN_CLOSE_WRITE = 8;

    public const int AF_NETLINK = 16;
    public const int SOCK_RAW = 3;
    public const int SOCK_CLOEXEC = 0x80000;
    public const int NETLINK_KOBJECT_UEVENT = 15;
    public const int SOL_SOCKET = 1;
    public const int SO_PEERCRED = 17;

    public const short POSIX_SPAWN_SETSID = 0x80;
}
