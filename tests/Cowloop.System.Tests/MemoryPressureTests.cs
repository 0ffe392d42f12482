using System.Diagnostics;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Text.RegularExpressions;
using Cowloop.Control;
using Microsoft.Diagnostics.NETCore.Client;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>
/// Programs write to a filesystem on a cowdevice more than their memory holds, while the service is busy with other things and its heap is
/// collected: everything goes on, and what was written is there. COWLOOP_SOAK=1 makes it minutes.
/// </summary>
public sealed class MemoryPressureTests(ITestOutputHelper output) : IDisposable
{
    private const long GroupBytes = 256L << 20;
    private const int Writers = 3;
    private const int MiBPerWriter = 160;

    private static readonly bool IsSoak = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1";
    private static readonly TimeSpan PressureTime = IsSoak ? TimeSpan.FromMinutes(5) : TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestStall = TimeSpan.FromSeconds(30);

    private readonly CowService _service = new();
    private readonly TempDirectory _temp = TempDirectory.OnDisk();

    [RootFact("cgroup:memory", "fio", "mkfs.ext4", "fs:ext4")]
    public void Writers_without_memory_stall_nobody() => Press(serviceInGroup: false);

    /// <summary>In a group of version 1 nothing keeps the writers from taking all of the memory that the service needs to write their data out.</summary>
    [RootFact("cgroup2:memory", "fio", "mkfs.ext4", "fs:ext4")]
    public void Nor_do_they_when_the_service_shares_their_memory() => Press(serviceInGroup: true);

    /// <summary>The runtime's own threads that are older than all code of ours run none of it, or end soon.</summary>
    [RootFact("cap:sys_resource")]
    public void No_thread_waits_for_the_writing_of_others_when_it_needs_memory()
    {
        const ulong NoIoDuringAllocation = 0x80000; // PF_MEMALLOC_NOIO of the kernel
        string[] runtimesOwn = [".NET SynchManag", ".NET EventPipe", ".NET DebugPipe", ".NET Debugger", ".NET Tiered Com"];
        int process = Start();

        string[] threads = [.. Directory.GetDirectories($"/proc/{process}/task").Where(task => (FlagsOf(task) & NoIoDuringAllocation) == 0).Select(NameOf)];

        Assert.Empty(threads.Except(runtimesOwn));
        Assert.Contains("fuse-1", Directory.GetDirectories($"/proc/{process}/task").Select(NameOf));
    }

    [RootFact("cap:ipc_lock")]
    public void What_the_service_uses_stays_in_memory()
    {
        int process = Start();

        // Locked is what it may come to use: all of its address space, but for pages of the kernel.
        Assert.True(KiBOf(process, "VmLck") > KiBOf(process, "VmRSS"));
        Assert.DoesNotContain("lock its memory", _service.Log, StringComparison.Ordinal);
    }

    [RootFact]
    public void What_the_kernel_refuses_is_said_once()
    {
        Start();
        bool isAllowed = Requirements.HasCapability("sys_resource");

        Assert.Equal(isAllowed ? 0 : 1, Regex.Count(_service.Log, "to be an I/O flusher"));
        Assert.Equal(isAllowed ? "-1000\n" : "0\n", File.ReadAllText($"/proc/{_service.ProcessId}/oom_score_adj"));
    }

    [RootFact("cgroup1:memory")]
    public void A_group_whose_programs_can_stall_the_service_is_named()
    {
        using MemoryCgroup group = MemoryCgroup.Make(GroupBytes);
        Start(group);
        Assert.Single(Regex.Matches(_service.Log, "memory group /.* of cgroup version 1, limited to 256 MiB"));
        _service.Stop();

        Start();
        Assert.Single(Regex.Matches(_service.Log, "cgroup version 1"));
    }

    public void Dispose()
    {
        _service.Dispose();
        _temp.Dispose();
    }

    private void Press(bool serviceInGroup)
    {
        using MemoryCgroup group = MemoryCgroup.Make(GroupBytes);
        int process = Start(serviceInGroup ? group : null);
        CowDisk disk = _service.Attach(Images.Ext4(_temp["image"], 1024, blockBytes: 4096), _temp["changes.cow"]);
        int seed;
        using (var mount = Mount.Of(disk.Path, _temp["mnt"]))
        {
            seed = Write(group, mount, process);
            Assert.Equal(process, _service.ProcessId);
            mount.Unmount();
        }
        // Read from the device, not from the page cache.
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
        using (var mount = Mount.Of(disk.Path, _temp["mnt"]))
        {
            Fio(null, mount, seed, "--verify_only").MustSucceed();
        }
        _service.Detach(disk);
    }

    /// <summary>Writes under pressure for its time.</summary>
    /// <returns>The seed of what was written last, as a whole.</returns>
    private int Write(MemoryCgroup group, Mount mount, int process)
    {
        int seed = 0;
        using FileStream small = new(mount["small"], FileMode.Create);
        using var client = new ControlClient(_service.Paths);
        string image = Data.RandomFile(_temp["other"], 1, 1 << 20);
        ProgressWatch[] watches =
        [
            new("4 KiB written and synced", round => WriteSmall(small, round)),
            new("asked the service", _ => client.GetService()),
            new("all cowfiles cleaned", _ => client.Sync()),
            new("another device made and taken away", _ => client.Detach(client.Attach(new AttachRequest(image, _temp["other.cow"], "/")).Device.Number)),
            new("the heap collected", _ => Collect(process)),
            new($"{Writers * MiBPerWriter} MiB written", round => Fio(group, mount, seed = round, "--do_verify=0").MustSucceed()),
        ];
        // The last one's pieces are whole passes; their own progress is that of the small one, which waits for the same filesystem.
        ProgressWatch[] prompt = watches[..^1];
        try
        {
            var pressed = Stopwatch.StartNew();
            while (pressed.Elapsed < PressureTime && prompt.All(watch => watch.Longest < LongestStall) && !watches.Any(watch => watch.HasFailed))
            {
                Thread.Sleep(100);
            }
        }
        finally
        {
            if (prompt.Any(watch => watch.Longest >= LongestStall))
            {
                group.Lift();
            }
            Array.ForEach(watches, watch => output.WriteLine(watch.ToString()));
            output.WriteLine($"longest stall: {prompt.Max(watch => watch.Longest).TotalSeconds:0.00} s");
        }
        Array.ForEach(watches, watch => watch.Stop());
        Assert.All(prompt, watch => Assert.True(watch.Longest < LongestStall, watch.ToString()));
        Assert.All(watches, watch => Assert.NotEqual(0, watch.Count));
        Assert.True(group.HasBeenFull, "the writers have had memory enough");
        return seed;
    }

    /// <summary>Starts the service with a heap that is collected for each little that is allocated.</summary>
    private int Start(MemoryCgroup? group = null)
    {
        Dictionary<string, string> environment = _service.Environment;
        environment["DOTNET_GCgen0size"] = "0x10000";
        Shell.Try(
            new ShellOptions { Environment = environment },
            "sh",
            "-ec",
            $"echo 0 > /proc/self/oom_score_adj; {group?.JoinScript ?? ":"}; exec {Repository.Program("cowloop")} load").MustSucceed();
        return _service.ProcessId;
    }

    /// <summary>Written through the page cache by processes of the group: each its own file, each block once.</summary>
    private static CommandResult Fio(MemoryCgroup? group, Mount mount, int seed, string phase) => Shell.Try(
        "sh",
        "-ec",
        $"echo 1000 > /proc/self/oom_score_adj; {group?.JoinScript ?? ":"}; exec fio --directory={mount.Path} --name=writer --numjobs={Writers} "
            + $"--size={MiBPerWriter}m --rw=randwrite --bs=64k --ioengine=psync --verify=crc32c --verify_fatal=1 --verify_state_save=0 "
            + $"--fallocate=none --randseed={seed + 1} {phase} --output-format=terse");

    private static void WriteSmall(FileStream file, int round)
    {
        byte[] block = Data.Fill((byte)round, 4096);
        file.Position = round % 16 * block.Length;
        file.Write(block);
        file.Flush(flushToDisk: true);
    }

    /// <summary>A whole collection, all threads suspended: what a memory profiler that attaches to the service asks for first.</summary>
    private static void Collect(int process)
    {
        const long CollectHeap = 0x800000;
        var provider = new EventPipeProvider("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, CollectHeap);
        using EventPipeSession session = new DiagnosticsClient(process).StartEventPipeSession(provider, requestRundown: false);
        Task drained = session.EventStream.CopyToAsync(Stream.Null);
        session.Stop();
        drained.Wait();
    }

    private static ulong FlagsOf(string task)
    {
        // Field 9; the second one, the name, may hold blanks.
        string stat = File.ReadAllText($"{task}/stat");
        return ulong.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[6], CultureInfo.InvariantCulture);
    }

    private static string NameOf(string task) => File.ReadAllText($"{task}/comm").TrimEnd('\n');

    private static long KiBOf(int process, string name) =>
        long.Parse(Regex.Match(File.ReadAllText($"/proc/{process}/status"), $@"{name}:\s*(\d+) kB").Groups[1].ValueSpan, CultureInfo.InvariantCulture);
}
