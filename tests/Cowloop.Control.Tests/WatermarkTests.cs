using Cowloop.Core;

namespace Cowloop.Control.Tests;

public class WatermarkTests
{
    private const ulong GiB = 1 << 20;

    [Fact]
    public void A_list_has_shares_and_sizes()
    {
        IReadOnlyList<Watermark> marks = Watermark.ParseList("80%,1G,500");

        Assert.Equal([new Watermark("80%", 80, 0), new Watermark("1G", 0, GiB), new Watermark("500", 0, 500)], marks);
        Assert.Equal("80%,1G,500", Watermark.Format(marks));
        Assert.Empty(Watermark.ParseList(""));
        Assert.Equal("", Watermark.Format([]));
    }

    [Theory]
    [InlineData("0%")]
    [InlineData("101%")]
    [InlineData("-1%")]
    [InlineData("%")]
    [InlineData("8.5%")]
    [InlineData("80 %")]
    [InlineData("0")]
    [InlineData("18446744073709551615")]
    [InlineData("1X")]
    [InlineData("80%,")]
    [InlineData(",")]
    [InlineData("80%;1G")]
    [InlineData("1,2,3,4,5,6,7,8,9")]
    public void Anything_else_is_refused_with_what_there_is(string text)
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => Watermark.ParseList(text));

        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.NotNull(exception.Hint);
    }

    [Theory]
    [InlineData("80%", 201, false)]
    [InlineData("80%", 200, true)]
    [InlineData("80%", 0, true)]
    [InlineData("100%", 1, false)]
    [InlineData("100%", 0, true)]
    [InlineData("1%", 991, false)]
    [InlineData("1%", 990, true)]
    [InlineData("100K", 101, false)]
    [InlineData("100K", 100, true)]
    [InlineData("100K", 0, true)]
    public void At_the_mark_space_is_low(string mark, ulong availableOfThousand, bool isLow) =>
        Assert.Equal(isLow, Mark(mark).IsLow(new CowfileSpace(1000, availableOfThousand), wasLow: false));

    /// <summary>A little more does not count: it would be low again at once.</summary>
    [Theory]
    [InlineData("80%", 219, true)]
    [InlineData("80%", 220, true)]
    [InlineData("80%", 221, false)]
    [InlineData("1%", 995, true)]
    [InlineData("1%", 996, false)]
    [InlineData("100K", 110, true)]
    [InlineData("100K", 111, false)]
    [InlineData("1K", 1, true)]
    [InlineData("1K", 2, false)]
    public void It_is_low_until_it_is_clear_of_the_mark(string mark, ulong availableOfThousand, bool isLow) =>
        Assert.Equal(isLow, Mark(mark).IsLow(new CowfileSpace(1000, availableOfThousand), wasLow: true));

    [Fact]
    public void The_largest_filesystems_have_shares_too()
    {
        var space = new CowfileSpace(ulong.MaxValue, ulong.MaxValue / 10);

        Assert.True(Mark("90%").IsLow(space, wasLow: false));
        Assert.False(Mark("91%").IsLow(space, wasLow: false));
    }

    [Theory]
    [InlineData("1%")]
    [InlineData("1G")]
    public void A_filesystem_that_does_not_tell_is_never_low(string mark) =>
        Assert.False(Mark(mark).IsLow(new CowfileSpace(0, 0), wasLow: false));

    /// <summary>Some filesystems give more than they have.</summary>
    [Fact]
    public void More_available_than_there_is_counts_as_unused() =>
        Assert.False(Mark("1%").IsLow(new CowfileSpace(1000, 2000), wasLow: true));

    private static Watermark Mark(string text) => Assert.Single(Watermark.ParseList(text));
}
