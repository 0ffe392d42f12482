using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>Space on a filesystem.</summary>
/// <param name="TotalKiB">Its size.</param>
/// <param name="AvailableKiB">What an ordinary user can still have.</param>
/// <param name="AvailableBlocks">The same in the filesystem's own blocks.</param>
public readonly record struct FileSystemSpace(ulong TotalKiB, ulong AvailableKiB, ulong AvailableBlocks)
{
    /// <summary>What there is when two things bound it.</summary>
    public FileSystemSpace Within(FileSystemSpace other) => new(
        Math.Min(TotalKiB, other.TotalKiB),
        Math.Min(AvailableKiB, other.AvailableKiB),
        Math.Min(AvailableBlocks, other.AvailableBlocks));

    /// <summary>Asks the filesystem that an open file is on.</summary>
    internal static unsafe Errno TryGet(SafeFileHandle file, out FileSystemSpace space)
    {
        LibC.statvfs_t stat;
        while (LibC.fstatvfs(file, &stat) != 0)
        {
            if (LibC.LastErrno != Errno.EINTR)
            {
                space = default;
                return LibC.LastErrno;
            }
        }
        space = new FileSystemSpace(ToKiB(stat.f_blocks, stat.f_frsize), ToKiB(stat.f_bavail, stat.f_frsize), stat.f_bavail);
        return Errno.None;
    }

    /// <summary>Blocks may be smaller than 1 KiB, and their bytes more than 64 bits can count.</summary>
    private static ulong ToKiB(ulong blockCount, ulong blockBytes) => (ulong)((UInt128)blockCount * blockBytes / 1024);
}
