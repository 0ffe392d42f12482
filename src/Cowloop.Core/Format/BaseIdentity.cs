using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using Cowloop.Core.Files;

namespace Cowloop.Core.Format;

/// <summary>
/// What a base holds, from samples: hashes (XXH128) of its first 2 MiB, of its last 1 MiB, and of 128 pages spread evenly in between. It costs a few
/// milliseconds whatever the size, and sees what nearly every use of an image changes: superblocks, partition tables, backup
/// tables. A change that leaves all samples alone is not seen; for that there is <see cref="ComputeDigest"/>.
/// </summary>
/// <param name="Head">Hash of the first bytes.</param>
/// <param name="Samples">Hash of the pages in between.</param>
/// <param name="Tail">Hash of the last bytes.</param>
public readonly record struct BaseIdentity(UInt128 Head, UInt128 Samples, UInt128 Tail)
{
    /// <summary>How much of the start is hashed, and at most of the whole.</summary>
    public const int HeadBytes = 2 << 20;

    /// <summary>How much of the end is hashed.</summary>
    public const int TailBytes = 1 << 20;

    /// <summary>Number of pages in between.</summary>
    public const int SampleCount = 128;

    /// <summary>Size of such a page.</summary>
    public const int SampleBytes = 4096;

    /// <summary>Length of a digest in bytes.</summary>
    public const int DigestBytes = SHA256.HashSizeInBytes;

    // Small enough not to become one of the large objects, whose number makes the runtime collect all of its heap.
    private const int ChunkBytes = 64 * 1024;

    /// <summary>Reads the samples. What can't be read counts as such: a failing disk is a base, too, as long as it fails at the same places.</summary>
    /// <param name="file">The base.</param>
    /// <param name="lengthBytes">How much of it counts.</param>
    public static BaseIdentity Compute(IBlockFile file, long lengthBytes)
    {
        ArgumentNullException.ThrowIfNull(file);
        byte[] buffer = new byte[ChunkBytes];
        var hash = new XxHash128();
        long headEndBytes = Math.Min(lengthBytes, HeadBytes);
        Append(hash, file, 0, headEndBytes, buffer);
        UInt128 head = Finish(hash);

        long tailStartBytes = Math.Max(headEndBytes, lengthBytes - TailBytes);
        long stepBytes = (tailStartBytes - headEndBytes) / SampleCount / SampleBytes * SampleBytes;
        for (int sample = 0; sample < SampleCount && stepBytes > 0; sample++)
        {
            long startBytes = headEndBytes + sample * stepBytes;
            Append(hash, file, startBytes, startBytes + SampleBytes, buffer);
        }
        if (stepBytes == 0)
        {
            // So little lies between that all of it is read.
            Append(hash, file, headEndBytes, tailStartBytes, buffer);
        }
        UInt128 samples = Finish(hash);

        Append(hash, file, tailStartBytes, lengthBytes, buffer);
        return new BaseIdentity(head, samples, Finish(hash));
    }

    /// <summary>Reads everything: the SHA-256 of the base, as sha256sum prints it.</summary>
    /// <param name="file">The base.</param>
    /// <param name="lengthBytes">How much of it counts.</param>
    /// <exception cref="CowloopException">A part of it can't be read.</exception>
    public static byte[] ComputeDigest(IBlockFile file, long lengthBytes)
    {
        ArgumentNullException.ThrowIfNull(file);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[ChunkBytes];
        byte[] zeros = new byte[ChunkBytes];
        for (long offsetBytes = 0; offsetBytes < lengthBytes;)
        {
            int count = (int)Math.Min(ChunkBytes, lengthBytes - offsetBytes);
            bool isHole = file.NextData(offsetBytes, out long dataBytes, out long endBytes) == Errno.None
                && (endBytes <= dataBytes || dataBytes >= offsetBytes + count);
            Errno errno = isHole ? Errno.None : file.ReadAt(offsetBytes, buffer.AsSpan(0, count));
            if (errno != Errno.None)
            {
                throw new CowloopException(errno, $"it cannot be read at byte {offsetBytes}: {errno.Text()}");
            }
            hash.AppendData(isHole ? zeros : buffer, 0, count);
            offsetBytes += count;
        }
        return hash.GetHashAndReset();
    }

    private static void Append(XxHash128 hash, IBlockFile file, long startBytes, long endBytes, byte[] buffer)
    {
        while (startBytes < endBytes)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, endBytes - startBytes));
            if (file.ReadAt(startBytes, chunk) != Errno.None)
            {
                AppendUnreadable(hash, file, startBytes, chunk);
            }
            else
            {
                hash.Append(chunk);
            }
            startBytes += chunk.Length;
        }
    }

    /// <summary>Page by page, so that one bad sector hides nothing else; the place of a page that can't be read stands for it.</summary>
    private static void AppendUnreadable(XxHash128 hash, IBlockFile file, long startBytes, Span<byte> chunk)
    {
        Span<byte> place = stackalloc byte[sizeof(long)];
        for (int done = 0; done < chunk.Length; done += SampleBytes)
        {
            Span<byte> page = chunk[done..Math.Min(chunk.Length, done + SampleBytes)];
            if (file.ReadAt(startBytes + done, page) == Errno.None)
            {
                hash.Append(page);
            }
            else
            {
                BinaryPrimitives.WriteInt64LittleEndian(place, startBytes + done);
                hash.Append(place);
            }
        }
    }

    private static UInt128 Finish(XxHash128 hash)
    {
        UInt128 value = hash.GetCurrentHashAsUInt128();
        hash.Reset();
        return value;
    }
}
