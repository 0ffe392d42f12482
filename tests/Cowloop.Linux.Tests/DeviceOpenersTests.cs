using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests;

public class DeviceOpenersTests
{
    [RootFact(LoopDisk.Control)]
    public void An_open_descriptor_is_found_until_it_is_closed()
    {
        using var disk = new LoopDisk();
        var openers = new DeviceOpeners("/dev/cow");
        using (File.OpenHandle(disk.Node, share: FileShare.ReadWrite))
        {
            Assert.StartsWith($"open in process {Environment.ProcessId} (", Assert.Single(openers.Find()[disk.Device.Number]), StringComparison.Ordinal);
        }
        Assert.Empty(openers.Find()[disk.Device.Number]);
    }

    [RootFact(LoopDisk.Control)]
    public void A_node_elsewhere_is_found_in_the_directory_that_was_named()
    {
        using var disk = new LoopDisk();
        string directory = $"/dev/cowtest-{Path.GetRandomFileName()}";
        Directory.CreateDirectory(directory);
        try
        {
            BlockNode.TryCreate($"{directory}/0", disk.Device.Number);
            using SafeFileHandle open = File.OpenHandle($"{directory}/0", share: FileShare.ReadWrite);
            Assert.Single(new DeviceOpeners(directory).Find()[disk.Device.Number]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>One dead network filesystem on the machine must not make every look hang.</summary>
    [RootFact("/dev/fuse")]
    public void What_does_not_answer_is_not_looked_at()
    {
        using FuseDevice connection = FuseDevice.Open();
        using SafeFileHandle mount = Mounts.MountFuseDetached(connection.Handle, 1 << 20);

        Poll.UntilDone("all descriptors are looked at", Task.Run(() => new DeviceOpeners("/dev/cow").Find()));
    }

    /// <summary>Whoever has opened a device sees it in a look that others have asked for as well.</summary>
    [RootFact(LoopDisk.Control)]
    public void A_shared_look_began_after_the_call()
    {
        using var disk = new LoopDisk();
        var openers = new DeviceOpeners("/dev/cow");
        int missed = 0;
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ =>
        {
            using SafeFileHandle open = File.OpenHandle(disk.Node, share: FileShare.ReadWrite);
            if (!openers.Find()[disk.Device.Number].Any())
            {
                Interlocked.Increment(ref missed);
            }
        });
        Assert.Equal(0, missed);
    }

    [Fact]
    public void Callers_that_come_at_the_same_time_share_looks()
    {
        var openers = new DeviceOpeners("/dev/cow");
        var looks = new System.Collections.Concurrent.ConcurrentDictionary<object, int>();
        const int Callers = 32;
        using var start = new Barrier(Callers);
        Thread[] threads = [.. Enumerable.Range(0, Callers).Select(_ => new Thread(() =>
        {
            start.SignalAndWait();
            looks.AddOrUpdate(openers.Find(), 1, (_, count) => count + 1);
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.Equal(Callers, looks.Values.Sum());
        Assert.True(looks.Count < Callers, $"{looks.Count} looks");
    }
}
