namespace Cowloop.Linux;

/// <summary>Page-aligned memory that one worker owns for its requests; the kernel can transfer straight into it.</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    /// <summary>Alignment of the start.</summary>
    public const int AlignmentBytes = 4096;

    private readonly NativeBufferStock? _stock;
    private byte* _start;

    /// <summary>Maps the buffer.</summary>
    /// <exception cref="OutOfMemoryException">The kernel refuses.</exception>
    public NativeBuffer(int lengthBytes)
        : this(lengthBytes, null)
    {
    }

    /// <param name="lengthBytes">Length.</param>
    /// <param name="stock">Where it goes when it is disposed of; null for nowhere.</param>
    internal NativeBuffer(int lengthBytes, NativeBufferStock? stock)
    {
        LengthBytes = lengthBytes;
        _stock = stock;
        void* start = LibC.mmap(
            null, (nuint)lengthBytes, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS, -1, 0);
        if (start == (void*)-1)
        {
            throw new InsufficientMemoryException($"no memory for a buffer of {lengthBytes} bytes");
        }
        _start = (byte*)start;
    }

    /// <summary>Length in bytes.</summary>
    public int LengthBytes { get; }

    /// <summary>True when all of it is in memory and stays there.</summary>
    public bool IsLocked { get; private set; }

    /// <summary>True when nobody uses it: to dispose of it once more changes nothing. The stock's own.</summary>
    internal bool IsSpare { get; set; }

    /// <summary>All of it; valid until the buffer is disposed.</summary>
    // SAFETY: the mapping holds LengthBytes until it is unmapped; after it the span is empty.
    public Span<byte> Span => new(_start, _start == null ? 0 : LengthBytes);

    /// <summary>Gets all of its pages and keeps them in memory, so that using it never waits for any. Best effort: there is a limit on such memory.</summary>
    public bool TryLock() => IsLocked = LibC.mlock(_start, (nuint)LengthBytes) == 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_start != null && _stock?.TryTakeBack(this) != true)
        {
            Unmap();
        }
    }

    /// <summary>Gives the memory back; a lock on it ends with it.</summary>
    internal void Unmap()
    {
        _ = LibC.munmap(_start, (nuint)LengthBytes);
        _start = null;
    }
}
