using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

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

    [Fact]
    public void Descriptors_are_links_to_open_files()
    {
        using var directory = new TempDirectory();
        string path = directory.MakeFile("open", 1);
        using FileStream open = File.OpenRead(path);

        Assert.Contains($"/proc/self/fd/{open.SafeFileHandle.DangerousGetHandle()}", KernelText.EntriesOf("/proc/self/fd"));
        Assert.Contains(path, KernelText.DescriptorsOf("/proc/self").Select(KernelText.TargetOf));
    }

    /// <summary>Whoever asks such a filesystem for anything waits for ever, and not even a kill ends that.</summary>
    [RootFact("/dev/fuse")]
    public void A_file_of_a_filesystem_that_does_not_answer_keeps_nobody()
    {
        using FuseDevice connection = FuseDevice.Open();
        using SafeFileHandle mount = Mounts.MountFuseDetached(connection.Handle, 1 << 20);
        using SafeFileHandle abort = Mounts.OpenFuseAbort(mount);
        Task<string[]> listing = Task.Run(() => KernelText.DescriptorsOf("/proc/self"));

        bool isDone = listing.Wait(TimeSpan.FromSeconds(20));

        FuseConnections.End(abort);
        Assert.True(isDone);
        Assert.Contains($"/proc/self/fd/{mount.DangerousGetHandle()}", listing.Result);
    }
}
