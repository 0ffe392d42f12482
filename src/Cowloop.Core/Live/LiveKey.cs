namespace Cowloop.Core.Live;

/// <summary>Which boot and which file live bits belong to. With another of either they mean nothing.</summary>
/// <param name="BootId">The kernel's random number of this boot.</param>
/// <param name="FileSystemId">Number of the filesystem that the cowfile is on.</param>
/// <param name="Inode">Number of the cowfile there: a copy of it is another file, which may lack what the bits speak of.</param>
public readonly record struct LiveKey(Guid BootId, ulong FileSystemId, ulong Inode);
