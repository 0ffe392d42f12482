using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>Stores sectors in a file that come in ascending order, neighbours in one piece. Nothing is stored behind the end of the file.</summary>
internal ref struct SectorRun(IBlockFile target, Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private readonly long _lengthBytes = target.LengthBytes;
    private long _startBytes;
    private int _filledBytes;

    /// <param name="sector">Number of the sector.</param>
    /// <param name="content">What it holds; empty for a hole.</param>
    public void Store(long sector, ReadOnlySpan<byte> content)
    {
        long startBytes = sector * UnsettledFile.SectorBytes;
        if (startBytes != _startBytes + _filledBytes || _filledBytes == _buffer.Length || content.IsEmpty)
        {
            Flush();
            _startBytes = startBytes;
        }
        if (!content.IsEmpty)
        {
            content.CopyTo(_buffer[_filledBytes..]);
            _filledBytes += content.Length;
        }
        else if (startBytes < _lengthBytes)
        {
            target.Punch(startBytes, UnsettledFile.SectorBytes).MustBeNone();
        }
    }

    /// <summary>Stores the last piece.</summary>
    public void Flush()
    {
        int lengthBytes = (int)Math.Clamp(_lengthBytes - _startBytes, 0, _filledBytes);
        if (lengthBytes > 0)
        {
            target.WriteAt(_startBytes, _buffer[..lengthBytes]).MustBeNone();
        }
        _filledBytes = 0;
    }
}
