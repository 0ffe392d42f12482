using System.Buffers;
using System.Text.RegularExpressions;

namespace Cowloop.Linux.Tests;

public class NativeWordsTests
{
    private const int GiBWords = 1 << 27;

    [Fact]
    public void Words_start_as_zeros_and_keep_what_is_written()
    {
        using MemoryManager<ulong> words = new NativeWords(100_000);
        Span<ulong> span = words.Memory.Span;

        Assert.Equal(100_000, span.Length);
        Assert.Equal(-1, span.IndexOfAnyExcept(0ul));
        span[^1] = 42;
        Assert.Equal(42ul, words.GetSpan()[^1]);
    }

    [Fact]
    public void Untouched_words_cost_no_memory()
    {
        long before = ResidentKiB();
        using MemoryManager<ulong> words = new NativeWords(GiBWords);

        words.GetSpan()[GiBWords / 2] = 1;

        Assert.Equal(0ul, words.GetSpan()[^1]);
        Assert.True(ResidentKiB() - before < 512 * 1024, "a quarter of the mapping would be too much already");
    }

    [Fact]
    public void After_disposal_a_late_user_meets_a_bounds_check()
    {
        IMemoryOwner<ulong> words = new NativeWords(1000);
        Memory<ulong> memory = words.Memory;

        words.Dispose();
        words.Dispose();

        Assert.True(((MemoryManager<ulong>)words).GetSpan().IsEmpty);
        Assert.ThrowsAny<ArgumentException>(() => memory.Span[0]);
    }

    private static long ResidentKiB() =>
        long.Parse(Regex.Match(File.ReadAllText("/proc/self/status"), @"VmRSS:\s*(\d+) kB").Groups[1].ValueSpan);
}
