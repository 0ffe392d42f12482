using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

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

    [Fact]
    public void A_locked_buffer_is_in_memory_as_a_whole_until_it_is_gone()
    {
        const int LengthBytes = 4 << 20;
        long before = LockedKiB();
        using (var buffer = new NativeBuffer(LengthBytes))
        {
            Assert.False(buffer.IsLocked);
            Assert.True(buffer.TryLock());

            Assert.True(buffer.IsLocked);
            Assert.Equal(LengthBytes / 1024, LockedKiB() - before);
        }
        Assert.Equal(before, LockedKiB());
    }

    [Fact]
    public void What_the_kernel_refuses_is_an_error() =>
        Assert.ThrowsAny<OutOfMemoryException>(() => new NativeBuffer(0).Dispose());

    private static long LockedKiB() =>
        long.Parse(Regex.Match(File.ReadAllText("/proc/self/status"), @"VmLck:\s*(\d+) kB").Groups[1].ValueSpan);

    private static bool StartsOnPage(Span<byte> span) =>
        Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref MemoryMarshal.GetReference(span)) % NativeBuffer.AlignmentBytes == 0;
}
