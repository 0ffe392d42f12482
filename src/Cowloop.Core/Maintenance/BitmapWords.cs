using System.Runtime.InteropServices;
using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>A piece of a cowfile's bitmap.</summary>
/// <param name="FirstBlock">The block of its first bit; a multiple of 64.</param>
/// <param name="Words">64 blocks each, least significant bit first; valid until the next piece is asked for.</param>
public readonly record struct BitmapWords(long FirstBlock, ReadOnlyMemory<ulong> Words)
{
    private const int ChunkBytes = 64 * 1024;

    /// <summary>
    /// Yields the bitmap of a cowfile in ascending order, without what is a hole: memory does not grow with the base, and holes cost nothing.
    /// </summary>
    /// <exception cref="CowloopException">The bitmap can't be read (<see cref="Fault.ReadBitmap"/>).</exception>
    public static IEnumerable<BitmapWords> Read(CheckedFile file, CowLayout layout)
    {
        ArgumentNullException.ThrowIfNull(file);
        ulong[] words = new ulong[Math.Min(ChunkBytes, layout.BitmapBytes) / sizeof(ulong)];
        long endBytes = CowLayout.BitmapOffsetBytes + layout.BitmapBytes;
        for (long offsetBytes = CowLayout.BitmapOffsetBytes; offsetBytes < endBytes;)
        {
            (long dataBytes, long dataEndBytes) = file.NextData(offsetBytes, Fault.ReadBitmap);
            offsetBytes = Math.Max(offsetBytes, dataBytes / sizeof(ulong) * sizeof(ulong));
            if (offsetBytes >= endBytes)
            {
                break;
            }
            // No further than the stretch: what is read of a hole is in the page cache from then on, and no hole any more to who asks for the next one.
            long stretchEndBytes = Math.Max(offsetBytes + sizeof(ulong), (dataEndBytes + sizeof(ulong) - 1) / sizeof(ulong) * sizeof(ulong));
            int lengthBytes = (int)Math.Min(ChunkBytes, Math.Min(endBytes, stretchEndBytes) - offsetBytes);
            file.Read(offsetBytes, MemoryMarshal.AsBytes(words.AsSpan())[..lengthBytes], Fault.ReadBitmap);
            yield return new BitmapWords((offsetBytes - CowLayout.BitmapOffsetBytes) * 8, words.AsMemory(0, lengthBytes / sizeof(ulong)));
            offsetBytes += lengthBytes;
        }
    }
}
