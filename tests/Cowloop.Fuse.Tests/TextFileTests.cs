using System.Text;
using Cowloop.Core;

namespace Cowloop.Fuse.Tests;

public class TextFileTests
{
    [Fact]
    public void Each_opening_has_the_text_of_its_time()
    {
        string text = "first";
        var file = new TextFile(() => text);
        file.Open(out ulong first);
        text = "second";
        file.Open(out ulong second);

        Assert.NotEqual(first, second);
        Assert.Equal("first", Read(file, first, 0, 100));
        Assert.Equal("second", Read(file, second, 0, 100));
        Assert.Equal("first", Read(file, first, 0, 100));
    }

    [Fact]
    public void A_part_is_read_and_nothing_behind_the_end()
    {
        var file = new TextFile(() => "äbc\n");
        file.Open(out ulong handle);

        Assert.Equal("bc", Read(file, handle, 2, 2));
        Assert.Equal("\n", Read(file, handle, 4, 100));
        Assert.Equal("", Read(file, handle, 5, 100));
        Assert.Equal("", Read(file, handle, long.MaxValue, 100));
    }

    [Fact]
    public void A_released_opening_is_gone_and_the_others_stay()
    {
        var file = new TextFile(() => "text");
        file.Open(out ulong first);
        file.Open(out ulong second);

        file.Release(first);

        Assert.Equal(Errno.EBADF, file.Read(first, 0, new byte[10], out _));
        Assert.Equal(Errno.EBADF, file.Read(99, 0, new byte[10], out _));
        Assert.Equal("text", Read(file, second, 0, 10));
    }

    [Fact]
    public void It_shows_no_length_and_can_be_read_by_all()
    {
        var file = new TextFile(() => "text");

        Assert.Equal(0, file.LengthBytes);
        Assert.Equal(0x124u, file.Permissions); // 0444
    }

    private static string Read(TextFile file, ulong handle, long offsetBytes, int lengthBytes)
    {
        byte[] target = new byte[lengthBytes];
        Assert.Equal(Errno.None, file.Read(handle, offsetBytes, target, out int read));
        return Encoding.UTF8.GetString(target, 0, read);
    }
}
