using System.Buffers.Binary;
using System.Numerics;

namespace Cowloop.Core.Format;

/// <summary>The CRC-32C (Castagnoli) of our own records, as iSCSI and ext4 use it: start value and result inverted.</summary>
public static class Crc32C
{
    /// <summary>Computes the checksum.</summary>
    public static uint Compute(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        }
        foreach (byte value in data)
        {
            crc = BitOperations.Crc32C(crc, value);
        }
        return ~crc;
    }
}
