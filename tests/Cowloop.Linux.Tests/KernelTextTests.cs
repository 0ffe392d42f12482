using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public class KernelTextTests
{
    [Fact]
    public void A_text_comes_without_its_last_newline() =>
        Assert.Equal(Environment.ProcessId.ToString(), KernelText.ReadOrEmpty("/proc/self/stat").Split(' ')[0]);

    [Fact]
    public void The_newline_inside_a_text_stays()
    {
        using var directory = new TempDirectory();
        string path = Path.Combine(directory.Path, "text");
        File.WriteAllText(path, "one\ntwo\n");

        Assert.Equal("one\ntwo", KernelText.ReadOrEmpty(path));
    }

    [Fact]
    public void What_is_not_there_is_empty()
    {
        Assert.Equal("", KernelText.ReadOrEmpty("/proc/no-such/text"));
        Assert.Equal("", KernelText.ReadOrEmpty("/proc"));
        Assert.Equal("", KernelText.TargetOf("/proc/no-such/link"));
        Assert.Empty(KernelText.EntriesOf("/proc/no-such"));
    }

    [Fact]
    public void Links_and_entries_are_what_they_are()
    {
        Assert.Equal(Environment.ProcessId.ToString(), KernelText.TargetOf("/proc/self"));
        Assert.Contains("/proc/self/fd", KernelText.EntriesOf("/proc/self"));
    }
}
