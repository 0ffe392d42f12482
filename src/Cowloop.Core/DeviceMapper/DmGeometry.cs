namespace Cowloop.Core.DeviceMapper;

/// <summary>
/// Where things lie in an exception store. Chunk 0 is the header. Then follow areas: one chunk of exceptions, and as many chunks of data as it has room for.
/// The table ends with the first exception whose new chunk is 0, so behind an area that is full there is always another one.
/// </summary>
/// <param name="ChunkBytes">Size of a chunk.</param>
internal readonly record struct DmGeometry(long ChunkBytes)
{
    /// <summary>An exception: the number of a chunk of the origin, and of the chunk of the store that has its content; 64 bits each, little endian.</summary>
    public const int ExceptionBytes = 16;

    private const long HeaderChunks = 1;

    /// <summary>Exceptions that one area has room for.</summary>
    public long ExceptionsPerArea => ChunkBytes / ExceptionBytes;

    private long ChunksPerArea => ExceptionsPerArea + 1;

    /// <summary>The chunk with the exceptions of an area.</summary>
    public long TableChunk(long area) => HeaderChunks + area * ChunksPerArea;

    /// <summary>The chunk of data that comes with an exception, when they are given out one after the other as the kernel does.</summary>
    /// <param name="index">Number of the exception in the table.</param>
    public long DataChunk(long index) => TableChunk(index / ExceptionsPerArea) + 1 + index % ExceptionsPerArea;

    /// <summary>True for a chunk that holds the header or exceptions.</summary>
    public bool IsMetadata(long chunk) => chunk < HeaderChunks || (chunk - HeaderChunks) % ChunksPerArea == 0;

    /// <summary>Chunks of a store with so many exceptions, including the end of its table.</summary>
    public long ChunksFor(long exceptionCount) => TableChunk(exceptionCount / ExceptionsPerArea) + 1 + exceptionCount % ExceptionsPerArea;

    /// <summary>Chunks that cover so many bytes of an origin.</summary>
    public long ChunksOf(long lengthBytes) => lengthBytes / ChunkBytes + (lengthBytes % ChunkBytes == 0 ? 0 : 1);
}
