using System.Buffers;
using System.IO.Compression;
using Cowloop.Core.Files;

namespace Cowloop.Core.Images;

/// <summary>One block of a cloop image: a zlib stream, checksum included, of exactly the block size.</summary>
internal static class CloopBlock
{
    /// <summary>Reads a block and decompresses it.</summary>
    /// <param name="file">The image.</param>
    /// <param name="offsetBytes">Where its stream is.</param>
    /// <param name="lengthBytes">Length of that.</param>
    /// <param name="target">As long as a block; after an error its content means nothing.</param>
    /// <param name="isFinal">True for a result that another try would have, too: success, or that the block is damaged.</param>
    /// <returns><see cref="Errno.EIO"/> for a damaged block; else what the file says, or <see cref="Errno.ENOMEM"/>.</returns>
    /// <remarks>
    /// The only allocations on the data path: a stream of the runtime's can't be used twice, and a damaged one is told by an exception. They are small
    /// beside the work; the buffer is one of a pool.
    /// </remarks>
    public static Errno Read(IBlockFile file, long offsetBytes, int lengthBytes, Span<byte> target, out bool isFinal)
    {
        isFinal = false;
        byte[]? buffer = null;
        try
        {
            buffer = ArrayPool<byte>.Shared.Rent(lengthBytes);
            Errno errno = file.ReadAt(offsetBytes, buffer.AsSpan(0, lengthBytes));
            if (errno != Errno.None)
            {
                return errno;
            }
            bool isWhole = TryDecompress(buffer, lengthBytes, target);
            isFinal = true;
            return isWhole ? Errno.None : Errno.EIO;
        }
        catch (InvalidDataException)
        {
            isFinal = true;
            return Errno.EIO;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or IOException)
        {
            // The latter is how the runtime's zlib says that it has no memory: nothing else here does I/O by streams.
            return Errno.ENOMEM;
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    /// <returns>False when the stream is shorter or longer than the target, or has no end.</returns>
    private static bool TryDecompress(byte[] compressed, int lengthBytes, Span<byte> target)
    {
        using var source = new Source(compressed, lengthBytes);
        using var stream = new ZLibStream(source, CompressionMode.Decompress);
        // The checksum is compared when the end is read. A missing end the runtime takes for one: but it has asked for more then.
        return stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) == target.Length && stream.ReadByte() < 0 && !source.WasAskedForMore;
    }

    /// <summary>The compressed bytes, and whether more of them were wanted than there are.</summary>
    private sealed class Source(byte[] bytes, int lengthBytes) : MemoryStream(bytes, 0, lengthBytes, writable: false)
    {
        public bool WasAskedForMore { get; private set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = base.Read(buffer, offset, count);
            WasAskedForMore |= read == 0;
            return read;
        }
    }
}
