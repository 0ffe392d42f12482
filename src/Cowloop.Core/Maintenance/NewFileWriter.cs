namespace Cowloop.Core.Maintenance;

/// <summary>Writes to a new file. Zeros are there already, so whole pages of them stay holes.</summary>
internal static class NewFileWriter
{
    private const int PageBytes = 4096;

    /// <summary>Writes what is not zero. The file may be shorter afterwards than the end of <paramref name="source"/>: the caller sets its length.</summary>
    /// <param name="file">The file; it has only zeros where this goes.</param>
    /// <param name="offsetBytes">Where it goes.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="fault">What it is when they can't be written.</param>
    /// <exception cref="CowloopException">They can't be written.</exception>
    public static void Write(CheckedFile file, long offsetBytes, ReadOnlySpan<byte> source, Fault fault)
    {
        while (!source.IsEmpty)
        {
            int lengthBytes = LengthOfAlike(offsetBytes, source, out bool isZero);
            if (!isZero)
            {
                file.Write(offsetBytes, source[..lengthBytes], fault);
            }
            offsetBytes += lengthBytes;
            source = source[lengthBytes..];
        }
    }

    /// <summary>How far the pages go that are all zero like the first one, or all not.</summary>
    private static int LengthOfAlike(long offsetBytes, ReadOnlySpan<byte> source, out bool isZero)
    {
        int lengthBytes = RestOfPage(offsetBytes, source);
        isZero = IsZero(source[..lengthBytes]);
        while (lengthBytes < source.Length)
        {
            int nextBytes = RestOfPage(offsetBytes + lengthBytes, source[lengthBytes..]);
            if (IsZero(source.Slice(lengthBytes, nextBytes)) != isZero)
            {
                break;
            }
            lengthBytes += nextBytes;
        }
        return lengthBytes;
    }

    private static int RestOfPage(long offsetBytes, ReadOnlySpan<byte> source) => (int)Math.Min(PageBytes - offsetBytes % PageBytes, source.Length);

    private static bool IsZero(ReadOnlySpan<byte> source) => !source.ContainsAnyExcept((byte)0);
}
