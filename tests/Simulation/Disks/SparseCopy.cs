using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>Copies sparse files: real ones too, which are much longer than what they hold.</summary>
public static class SparseCopy
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Copies length and data; holes stay holes.</summary>
    /// <param name="source">What is copied.</param>
    /// <param name="target">Gets it; empty.</param>
    public static void Copy(IBlockFile source, IBlockFile target)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        long lengthBytes = source.LengthBytes;
        target.SetLength(lengthBytes).MustBeNone();
        byte[] buffer = new byte[Math.Min(BufferBytes, lengthBytes)];
        for (long offsetBytes = 0; offsetBytes < lengthBytes;)
        {
            source.NextData(offsetBytes, out long startBytes, out long endBytes).MustBeNone();
            endBytes = Math.Min(endBytes, lengthBytes);
            for (offsetBytes = startBytes; offsetBytes < endBytes;)
            {
                Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, endBytes - offsetBytes));
                source.ReadAt(offsetBytes, part).MustBeNone();
                target.WriteAt(offsetBytes, part).MustBeNone();
                offsetBytes += part.Length;
            }
            if (endBytes <= startBytes)
            {
                return;
            }
        }
    }
}
