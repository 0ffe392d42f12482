using Cowloop.Core;

namespace Cowloop.Tools.Tests;

public class ErrorReportTests
{
    [Fact]
    public void The_classic_line_comes_first_and_then_the_reason()
    {
        var exception = new CowloopException(Errno.EBUSY, "my.cow is in use", "close it");

        Assert.Equal(
            "activate new cowdevice: Device or resource busy\ncowdev: my.cow is in use; close it\n",
            Written(() => ErrorReport.Write("/usr/sbin/cowdev", "activate new cowdevice", exception)));
    }

    [Fact]
    public void Without_a_hint_the_reason_stands_alone() => Assert.Equal(
        "cowloop: in use\n",
        Written(() => ErrorReport.Write("cowloop", new CowloopException(Errno.EBUSY, "in use"))));

    [Fact]
    public void The_absolute_path_is_added_when_the_reason_does_not_name_it()
    {
        Assert.Equal(
            "cowloop: my.cow is in use; close it [/home/me/my.cow]\n",
            Written(() => ErrorReport.Write("cowloop", new CowloopException(Errno.EBUSY, "my.cow is in use", "close it") { Path = "/home/me/my.cow" })));
        Assert.Equal(
            "cowloop: /home/me/my.cow is in use\n",
            Written(() => ErrorReport.Write("cowloop", new CowloopException(Errno.EBUSY, "/home/me/my.cow is in use") { Path = "/home/me/my.cow" })));
    }

    private static string Written(Action action)
    {
        TextWriter before = Console.Error;
        using var written = new StringWriter { NewLine = "\n" };
        Console.SetError(written);
        try
        {
            action();
        }
        finally
        {
            Console.SetError(before);
        }
        return written.ToString();
    }
}
