using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Cowloop.Linux.Tests;

public class NativeBufferTests
{
    [Fact]
    public void Every_buffer_starts_on_a_page()
    {
        // Several at once, for one alone might lie on a page by chance.
        NativeBuffer[] buffers = [.. Enumerable.Range(1, 16).Select(index => new NativeBuffer(index * 1000))];

        Assert.All(buffers, buffer => Assert.True(StartsOnPage(buffer.Span)));
        Assert.Equal(Enumerable.Range(1, 16).Select(index => index * 1000), buffers.Select(buffer => buffer.Span.Length));
        Array.ForEach(buffers, buffer => buffer.Dispose());
    }

    [Fact]
    public void After_disposal_the_span_is_empty()
    {
        var buffer = new NativeBuffer(4096);

        buffer.Dispose();
        buffer.Dispose();

        Assert.True(buffer.Span.IsEmpty);
    }

    private static bool StartsOnPage(Span<byte> span) =>
        Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref MemoryMarshal.GetReference(span)) % NativeBuffer.AlignmentBytes == 0;
}
