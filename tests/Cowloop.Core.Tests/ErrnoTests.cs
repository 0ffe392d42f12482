namespace Cowloop.Core.Tests;

public class ErrnoTests
{
    [Theory]
    [InlineData(Errno.None, 0, "Success")]
    [InlineData(Errno.ENOENT, 2, "No such file or directory")]
    [InlineData(Errno.EIO, 5, "Input/output error")]
    [InlineData(Errno.EBUSY, 16, "Device or resource busy")]
    [InlineData(Errno.ENODEV, 19, "No such device")]
    [InlineData(Errno.EINVAL, 22, "Invalid argument")]
    [InlineData(Errno.ENOSPC, 28, "No space left on device")]
    [InlineData(Errno.EROFS, 30, "Read-only file system")]
    [InlineData(Errno.EOPNOTSUPP, 95, "Operation not supported")]
    public void Numbers_and_texts_are_those_of_linux(Errno errno, int number, string text)
    {
        Assert.Equal(number, (int)errno);
        Assert.Equal(text, errno.Text());
    }

    [Fact]
    public void Every_named_number_has_a_text_of_its_own()
    {
        string[] texts = [.. Enum.GetValues<Errno>().Select(errno => errno.Text())];

        Assert.Equal(texts.Length, texts.Distinct().Count());
        Assert.DoesNotContain(texts, text => text.StartsWith("Unknown", StringComparison.Ordinal));
    }

    [Fact]
    public void An_unknown_number_is_printed()
    {
        Assert.Equal("Unknown error 4711", ((Errno)4711).Text());
    }

    [Fact]
    public void Three_of_them_say_that_there_is_no_room() => Assert.Equal(
        [Errno.EFBIG, Errno.ENOSPC, Errno.EDQUOT],
        Enum.GetValues<Errno>().Where(errno => errno.IsLackOfSpace()));
}
