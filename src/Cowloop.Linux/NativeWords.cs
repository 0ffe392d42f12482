using System.Buffers;
using Cowloop.Core;

namespace Cowloop.Linux;

/// <summary>
/// Zeroed words straight from the kernel: a page costs memory only once it is written, so the bitmap of a large, mostly
/// untouched base is small. A managed array would be cleared, and so touched, whenever the heap reuses its space.
/// </summary>
public sealed unsafe class NativeWords : MemoryManager<ulong>
{
    private readonly int _count;
    private void* _start;

    /// <summary>Maps the words.</summary>
    /// <exception cref="CowloopException">The kernel refuses.</exception>
    public NativeWords(int count)
    {
        _count = count;
        _start = LibC.mmap(
            null,
            LengthBytes,
            LibC.PROT_READ | LibC.PROT_WRITE,
            LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE,
            -1,
            0);
        if (_start == (void*)-1)
        {
            _start = null;
            throw new CowloopException(Errno.ENOMEM, $"no memory for a bitmap or a cache of {LengthBytes} bytes");
        }
    }

    private nuint LengthBytes => (nuint)_count * sizeof(ulong);

    /// <inheritdoc/>
    // SAFETY: the mapping holds _count words until Dispose; after it the span is empty, so a late user meets a bounds check.
    public override Span<ulong> GetSpan() => new(_start, _start == null ? 0 : _count);

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new((ulong*)_start + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_start != null)
        {
            _ = LibC.munmap(_start, LengthBytes);
            _start = null;
        }
    }
}
