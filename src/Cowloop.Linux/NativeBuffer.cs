using System.Runtime.InteropServices;

namespace Cowloop.Linux;

/// <summary>Page-aligned memory that one worker owns for its requests; the kernel can transfer straight into it.</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    /// <summary>Alignment of the start.</summary>
    public const int AlignmentBytes = 4096;

    private byte* _start;

    /// <summary>Allocates the buffer.</summary>
    public NativeBuffer(int lengthBytes)
    {
        LengthBytes = lengthBytes;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)lengthBytes, AlignmentBytes);
    }

    /// <summary>Length in bytes.</summary>
    public int LengthBytes { get; }

    /// <summary>All of it; valid until the buffer is disposed.</summary>
    // SAFETY: the allocation holds LengthBytes until Dispose; after it the span is empty.
    public Span<byte> Span => new(_start, _start == null ? 0 : LengthBytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }
}
