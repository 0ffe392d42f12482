using System.Diagnostics;
using System.Globalization;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public class HostProcessTests
{
    private const ulong NoIoDuringAllocation = 0x80000; // PF_MEMALLOC_NOIO of the kernel

    [NeedsFact("id")]
    public void Root_is_user_0() => Assert.Equal(Shell.Run("id", "-u").Output == "0\n", HostProcess.IsRoot);

    [NeedsFact("sh", "tr", "head")]
    public void The_called_name_is_the_first_argument() => Assert.Equal(
        Shell.Run("sh", "-c", $"tr '\\0' '\\n' < /proc/{Environment.ProcessId}/cmdline | head -n 1").Output.TrimEnd('\n'),
        HostProcess.CalledName());

    [Fact]
    public void The_boot_has_a_number_of_its_own()
    {
        Assert.NotEqual(Guid.Empty, HostProcess.BootId());
        Assert.Equal(HostProcess.BootId(), HostProcess.BootId());
    }

    [NeedsFact("sh")]
    public void The_limit_of_open_files_is_the_shells() =>
        Assert.Equal(Shell.Run("sh", "-c", "ulimit -n").Line, HostProcess.DescriptorLimit.ToString(CultureInfo.InvariantCulture));

    [Fact]
    public void An_IO_flusher_does_not_wait_for_its_own_writing()
    {
        (ulong Before, bool Done, ulong After) seen = default;
        // A thread of its own: the mark stays with it.
        var thread = new Thread(() => seen = (ThreadFlags(), HostProcess.TryBecomeIoFlusher(), ThreadFlags()));
        thread.Start();
        thread.Join();

        // Root of a container may lack the capability, and is told so.
        Assert.Equal(HasResourceCapability(), seen.Done);
        Assert.Equal(0ul, seen.Before & NoIoDuringAllocation);
        Assert.Equal(seen.Done ? NoIoDuringAllocation : 0, seen.After & NoIoDuringAllocation);
    }

    [Fact]
    public void Threads_of_an_IO_flusher_are_IO_flushers()
    {
        ulong before = 0;
        ulong inherited = 0;
        var thread = new Thread(() =>
        {
            _ = HostProcess.TryBecomeIoFlusher();
            before = ThreadFlags();
            var child = new Thread(() => inherited = ThreadFlags());
            child.Start();
            child.Join();
        });
        thread.Start();
        thread.Join();

        Assert.Equal(before & NoIoDuringAllocation, inherited & NoIoDuringAllocation);
    }

    [Fact]
    public void The_memory_killer_can_be_asked_to_spare_this_process()
    {
        const string File = "/proc/self/oom_score_adj";
        string before = System.IO.File.ReadAllText(File);
        Assert.NotEqual("-1000\n", before);
        try
        {
            // Root of a container may lack the capability, and is told so.
            Assert.Equal(HasResourceCapability(), HostProcess.TryBeSparedWhenMemoryEnds());
            Assert.Equal(HasResourceCapability() ? "-1000\n" : before, System.IO.File.ReadAllText(File));
        }
        finally
        {
            System.IO.File.WriteAllText(File, before);
        }
    }

    [NeedsFact("sh")]
    public void A_child_can_be_made_one_of_many_again()
    {
        var start = new ProcessStartInfo("sh", ["-ec", "echo 500 > /proc/self/oom_score_adj; echo ready; read -r word; exec cat /proc/self/oom_score_adj"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using Process child = Process.Start(start)!;
        Assert.Equal("ready", child.StandardOutput.ReadLine());

        Assert.True(HostProcess.TryUnspareWhenMemoryEnds(child.Id));

        child.StandardInput.WriteLine();
        Assert.Equal("0\n", child.StandardOutput.ReadToEnd());
        child.WaitForExit();
        Assert.False(HostProcess.TryUnspareWhenMemoryEnds(int.MaxValue));
    }

    private static bool HasResourceCapability() => Requirements.HasCapability("sys_resource");

    /// <summary>Field 9 of stat; the second one, the name, may hold blanks.</summary>
    private static ulong ThreadFlags()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        return ulong.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[6], CultureInfo.InvariantCulture);
    }
}
