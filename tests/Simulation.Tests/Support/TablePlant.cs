using System.Buffers.Binary;
using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>A bug in what is written to the table of a compact store with chunks of 4 KiB.</summary>
internal abstract class TablePlant(IBlockFile inner) : StorePlant(inner)
{
    private const int DescriptorBytes = 16;
    private const int PayloadBytes = 496;
    private const int StateOffset = 4;
    private const int BitsOffset = 8;
    private const int ChecksumOffset = 508;

    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        if (AreaOf(offsetBytes) != StoreArea.Table)
        {
            return base.WriteAt(offsetBytes, source);
        }
        byte[] sector = source.ToArray();
        for (int start = 0; start + DescriptorBytes <= PayloadBytes; start += DescriptorBytes)
        {
            Span<byte> descriptor = sector.AsSpan(start, DescriptorBytes);
            uint owner = BinaryPrimitives.ReadUInt32LittleEndian(descriptor);
            uint state = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[StateOffset..]);
            ulong bits = BinaryPrimitives.ReadUInt64LittleEndian(descriptor[BitsOffset..]);
            if (owner != 0)
            {
                Change(owner - 1, ref state, ref bits);
                BinaryPrimitives.WriteUInt32LittleEndian(descriptor[StateOffset..], state);
                BinaryPrimitives.WriteUInt64LittleEndian(descriptor[BitsOffset..], bits);
            }
        }
        BinaryPrimitives.WriteUInt32LittleEndian(sector.AsSpan(ChecksumOffset), Crc32C.Compute(sector.AsSpan(0, ChecksumOffset)));
        return base.WriteAt(offsetBytes, sector);
    }

    /// <summary>Changes a descriptor that is being written.</summary>
    /// <param name="deviceChunk">The chunk of the device.</param>
    /// <param name="state">Its state.</param>
    /// <param name="bits">The bits of its blocks.</param>
    protected abstract void Change(long deviceChunk, ref uint state, ref ulong bits);
}
