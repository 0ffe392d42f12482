namespace Cowloop.Core.Files;

/// <summary>
/// The parts of an area of a file that are data, in ascending order, in pieces that a buffer can take. Holes are left out, also for the kernel: what is read
/// of a hole is in the page cache from then on, and no hole any more to who asks for the next one.
/// </summary>
/// <param name="file">The file; not owned.</param>
/// <param name="startBytes">Where the area starts in it.</param>
/// <param name="lengthBytes">Length of the area; whole units.</param>
/// <param name="unitBytes">What is never cut. Stretches of data that begin or end within a unit have all of it.</param>
/// <param name="maxPieceBytes">A piece is at most as long; whole units.</param>
public sealed class DataPieces(IBlockFile file, long startBytes, long lengthBytes, int unitBytes, int maxPieceBytes)
{
    private long _nextBytes;

    /// <summary>Where the area starts in the file.</summary>
    public long StartBytes => startBytes;

    /// <summary>Finds the next piece.</summary>
    /// <param name="offsetBytes">Where it starts in the area.</param>
    /// <param name="pieceBytes">Its length; 0 when there is none left. Where the file ends within the area there is one that can't be read.</param>
    public Errno Next(out long offsetBytes, out int pieceBytes)
    {
        offsetBytes = _nextBytes;
        pieceBytes = 0;
        if (_nextBytes >= lengthBytes)
        {
            return Errno.None;
        }
        Errno errno = file.NextData(startBytes + _nextBytes, out long dataBytes, out long endBytes);
        if (errno != Errno.None)
        {
            return errno;
        }
        offsetBytes = Math.Max(_nextBytes, (dataBytes - startBytes) / unitBytes * unitBytes);
        long roundedEndBytes = (endBytes - startBytes + unitBytes - 1) / unitBytes * unitBytes;
        long restBytes = Math.Min(Math.Max(roundedEndBytes, offsetBytes + unitBytes), lengthBytes) - offsetBytes;
        pieceBytes = (int)Math.Clamp(restBytes, 0, maxPieceBytes);
        _nextBytes = offsetBytes + pieceBytes;
        return Errno.None;
    }
}
