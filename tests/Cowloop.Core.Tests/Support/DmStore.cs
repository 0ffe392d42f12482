using System.Buffers.Binary;
using Cowloop.Core.Devices;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>An exception store put together by hand, field by field, as the kernel's documentation and its own stores show the format.</summary>
/// <param name="chunkBytes">Size of a chunk.</param>
internal sealed class DmStore(int chunkBytes)
{
    private readonly List<(ulong Old, ulong New)> _exceptions = [];
    private readonly Dictionary<long, byte[]> _chunks = [];

    public uint Magic { get; init; } = 0x70416E53;

    public uint Valid { get; init; } = 1;

    public uint Version { get; init; } = 1;

    public uint? ChunkSectors { get; init; }

    private int ExceptionsPerArea => chunkBytes / 16;

    /// <summary>Adds an exception in the next chunk of the store, as the kernel does.</summary>
    public DmStore Add(long oldChunk, byte[] content)
    {
        int index = _exceptions.Count;
        long newChunk = 1 + index / ExceptionsPerArea * (ExceptionsPerArea + 1) + 1 + index % ExceptionsPerArea;
        _chunks[newChunk] = content;
        return AddRaw((ulong)oldChunk, (ulong)newChunk);
    }

    /// <summary>Adds an exception whatever it says.</summary>
    public DmStore AddRaw(ulong oldChunk, ulong newChunk)
    {
        _exceptions.Add((oldChunk, newChunk));
        return this;
    }

    public byte[] ToArray()
    {
        // An area that is full is followed by an empty one.
        int areaCount = _exceptions.Count / ExceptionsPerArea + 1;
        byte[] store = new byte[chunkBytes * Math.Max(1 + areaCount * (ExceptionsPerArea + 1), 4)];
        uint[] fields = [Magic, Valid, Version, ChunkSectors ?? (uint)chunkBytes / 512];
        for (int field = 0; field < fields.Length; field++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(store.AsSpan(4 * field), fields[field]);
        }
        for (int index = 0; index < _exceptions.Count; index++)
        {
            int offset = (1 + index / ExceptionsPerArea * (ExceptionsPerArea + 1)) * chunkBytes + index % ExceptionsPerArea * 16;
            BinaryPrimitives.WriteUInt64LittleEndian(store.AsSpan(offset), _exceptions[index].Old);
            BinaryPrimitives.WriteUInt64LittleEndian(store.AsSpan(offset + 8), _exceptions[index].New);
        }
        foreach ((long chunk, byte[] content) in _chunks)
        {
            content.CopyTo(store, chunk * chunkBytes);
        }
        return store;
    }

    public CheckedFile ToFile() => Named(ToArray());

    public static CheckedFile Named(byte[] store) => new(new FlatFile(store), "store.dm");

    public static BaseImage ImageOf(byte[] content) => new(new FlatFile(content), Disk.BaseName, hints: null, "disk.img");
}
