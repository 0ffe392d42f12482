using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Core.Files;

namespace Cowloop.Linux;

/// <summary>
/// A file or block device seen as the cowfile that it holds: as it is, or through its compact store. What the file itself is asked for, a lock above all, it
/// is asked for through <see cref="File"/>.
/// </summary>
public sealed class StoredFile : IBlockFile
{
    private readonly IBlockFile _content;

    private StoredFile(PosixFile file, IBlockFile content)
    {
        File = file;
        _content = content;
    }

    /// <summary>The file itself; owned.</summary>
    public PosixFile File { get; }

    /// <summary>Its compact store; null for a classic cowfile, and for anything that is none.</summary>
    public CompactFile? Compact => _content as CompactFile;

    /// <summary>Which file it is.</summary>
    public FileIdentity Identity => File.Identity;

    /// <inheritdoc/>
    public long LengthBytes => _content.LengthBytes;

    /// <summary>True when it can hold a cowfile: it is a regular file, or a block device with a compact store.</summary>
    public bool CanBeCowfile => Identity.Kind == FileKind.Regular || (Identity.Kind == FileKind.BlockDevice && Compact is not null);

    /// <summary>
    /// Asks how much space there is for changes: on the filesystem that the file is on, and below its limit if it has one; or on the block device that it is.
    /// </summary>
    public Errno TryGetSpace(out FileSystemSpace space)
    {
        if (Compact is not { ChunkCount: long chunkCount } compact)
        {
            return File.TryGetSpace(out space);
        }
        ulong kibPerChunk = (ulong)compact.ChunkBytes / 1024;
        ulong free = (ulong)Math.Max(0, chunkCount - compact.UsedChunkCount);
        space = new FileSystemSpace((ulong)chunkCount * kibPerChunk, free * kibPerChunk, free);
        if (compact.IsOnDevice)
        {
            return Errno.None;
        }
        Errno errno = File.TryGetSpace(out FileSystemSpace around);
        space = space.Within(around);
        return errno;
    }

    /// <summary>Looks what a file holds.</summary>
    /// <param name="file">The file. The result owns it; after an exception it is still the caller's.</param>
    /// <param name="name">As the user named it.</param>
    /// <exception cref="CowloopException">It is a compact store that is damaged or can't be read.</exception>
    public static StoredFile Open(PosixFile file, string name) =>
        new(file, CompactFile.IsCompact(file) ? CompactFile.Open(file, name, CompactOptions) : file);

    private static CompactOptions CompactOptions => new() { AllocateZeroedWords = words => new NativeWords(words), BootId = HostProcess.BootId() };

    /// <inheritdoc/>
    public Errno ReadAt(long offsetBytes, Span<byte> target) => _content.ReadAt(offsetBytes, target);

    /// <inheritdoc/>
    public Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target) => _content.ReadTo(offsetBytes, lengthBytes, target);

    /// <inheritdoc/>
    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source) => _content.WriteAt(offsetBytes, source);

    /// <inheritdoc/>
    public Errno Punch(long offsetBytes, long lengthBytes) => _content.Punch(offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, out long doneBytes) =>
        _content.Zero(offsetBytes, lengthBytes, mayUnmap, out doneBytes);

    /// <inheritdoc/>
    public Errno SetLength(long lengthBytes) => _content.SetLength(lengthBytes);

    /// <inheritdoc/>
    public Errno Allocate(long offsetBytes, long lengthBytes) => _content.Allocate(offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes) => _content.NextData(offsetBytes, out startBytes, out endBytes);

    /// <inheritdoc/>
    public Errno Sync() => _content.Sync();

    /// <inheritdoc/>
    public void Dispose() => _content.Dispose();
}
