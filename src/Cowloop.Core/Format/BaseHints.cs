namespace Cowloop.Core.Format;

/// <summary>
/// Which file a base was and when it was last changed. As long as all four are the same its content is taken to be the same; when one
/// differs, the content decides.
/// </summary>
/// <param name="FileSystemId">Number of the filesystem, the same after another mount of it.</param>
/// <param name="Inode">Number of the file there.</param>
/// <param name="ModifiedNanoseconds">When its content was last changed, since 1970. Programs can set it at will.</param>
/// <param name="ChangedNanoseconds">When anything about it was last changed, since 1970. Only the kernel sets it.</param>
public readonly record struct BaseHints(ulong FileSystemId, ulong Inode, long ModifiedNanoseconds, long ChangedNanoseconds)
{
    /// <summary>When its content was last changed, to a tenth of a microsecond.</summary>
    public DateTimeOffset Modified => DateTimeOffset.UnixEpoch.AddTicks(ModifiedNanoseconds / TimeSpan.NanosecondsPerTick);
}
