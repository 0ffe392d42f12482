using System.Runtime.InteropServices;
using Cowloop.Core.Files;
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
        var pieces = new DataPieces(file.File, CowLayout.BitmapOffsetBytes, layout.BitmapBytes, sizeof(ulong), words.Length * sizeof(ulong));
        (long offsetBytes, int lengthBytes) = file.Next(pieces, Fault.ReadBitmap);
        for (; lengthBytes > 0; (offsetBytes, lengthBytes) = file.Next(pieces, Fault.ReadBitmap))
        {
            file.Read(CowLayout.BitmapOffsetBytes + offsetBytes, MemoryMarshal.AsBytes(words.AsSpan())[..lengthBytes], Fault.ReadBitmap);
            yield return new BitmapWords(offsetBytes * 8, words.AsMemory(0, lengthBytes / sizeof(ulong)));
        }
    }
}
