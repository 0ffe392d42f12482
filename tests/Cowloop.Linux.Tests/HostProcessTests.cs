using System.Globalization;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public class HostProcessTests
{
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
        const ulong NoIoDuringAllocation = 0x80000; // PF_MEMALLOC_NOIO of the kernel
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

    private static bool HasResourceCapability()
    {
        const int Capability = 24; // CAP_SYS_RESOURCE
        string line = File.ReadLines("/proc/self/status").Single(text => text.StartsWith("CapEff:", StringComparison.Ordinal));
        return (ulong.Parse(line.AsSpan("CapEff:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> Capability & 1) != 0;
    }

    /// <summary>Field 9 of stat; the second one, the name, may hold blanks.</summary>
    private static ulong ThreadFlags()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        return ulong.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[6], CultureInfo.InvariantCulture);
    }
}
