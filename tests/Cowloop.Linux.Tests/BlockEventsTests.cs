using Cowloop.Core;
using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class BlockEventsTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [RootFact]
    public void A_writer_that_closes_a_node_is_news()
    {
        using var seen = new Seen(_directory.Path);

        File.WriteAllText(_directory["3"], "table");

        seen.WaitForNode("3");
    }

    [RootFact]
    public void A_reader_that_closes_a_node_is_not()
    {
        File.WriteAllText(_directory["1"], "");
        File.WriteAllText(_directory["2"], "");
        using var seen = new Seen(_directory.Path);

        _ = File.ReadAllText(_directory["1"]);
        using (File.OpenWrite(_directory["2"]))
        {
        }

        // Events come in order.
        seen.WaitForNode("2");
        Assert.DoesNotContain("1", seen.NodeNames);
    }

    [RootFact]
    public void Many_closes_at_once_are_all_told()
    {
        using var seen = new Seen(_directory.Path);

        for (int number = 0; number < 500; number++)
        {
            File.WriteAllText(_directory[$"node-{number}"], "");
        }

        seen.WaitForNode("node-499");
        Assert.Equal(500, seen.NodeNames.Length);
    }

    [RootFact]
    public void The_watched_directory_itself_is_no_node()
    {
        string nodes = Directory.CreateDirectory(_directory["nodes"]).FullName;
        using var events = new BlockEvents(nodes);
        var names = new HashSet<string>();
        File.WriteAllText($"{nodes}/1", "");
        Directory.Delete(nodes, recursive: true);

        // Both events are there by now and come together.
        while (!names.Contains("1"))
        {
            Assert.True(events.Wait(new HashSet<string>(), names));
        }

        Assert.Equal(["1"], names);
    }

    [RootFact(LoopDisk.Control, "sfdisk", "partx")]
    public void A_partitioned_disk_is_news_by_the_disks_name()
    {
        using var disk = new LoopDisk();
        using var seen = new Seen(_directory.Path);

        disk.Partition();

        seen.WaitForKernelName(disk.Device.KernelName);
        seen.Stop();
        Assert.DoesNotContain(seen.KernelNames, name => name.StartsWith($"{disk.Device.KernelName}p", StringComparison.Ordinal));
    }

    [RootFact(LoopDisk.Control)]
    public void A_disk_that_is_announced_once_more_is_news()
    {
        using var disk = new LoopDisk();
        using var seen = new Seen(_directory.Path);

        Assert.True(BlockNode.TryAnnounce(disk.Device.Number));

        seen.WaitForKernelName(disk.Device.KernelName);
    }

    [RootFact]
    public void Stop_ends_the_waiting_for_good()
    {
        using var events = new BlockEvents(_directory.Path);
        var names = new HashSet<string>();
        var waiting = Task.Run(() =>
        {
            while (events.Wait(names, names))
            {
            }
        });

        events.Stop();
        Poll.UntilDone("the waiter has returned", waiting);

        File.WriteAllText(_directory["1"], "");
        Assert.False(events.Wait(names, names));
    }

    [Fact]
    public void A_missing_directory_is_named()
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => new BlockEvents(_directory["none"]));

        Assert.Equal(Errno.ENOENT, exception.Errno);
        Assert.Contains(_directory["none"], exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Collects events on a thread of its own.</summary>
    private sealed class Seen : IDisposable
    {
        private readonly BlockEvents _events;
        private readonly Task _collecting;
        private readonly HashSet<string> _kernelNames = [];
        private readonly HashSet<string> _nodeNames = [];

        public Seen(string directory)
        {
            _events = new BlockEvents(directory);
            _collecting = Task.Run(Collect);
        }

        public string[] KernelNames => Copy(_kernelNames);

        public string[] NodeNames => Copy(_nodeNames);

        public void WaitForNode(string name) => Poll.Until($"the close of {name} is seen", () => NodeNames.Contains(name));

        public void WaitForKernelName(string name) => Poll.Until($"the news of {name} are seen", () => KernelNames.Contains(name));

        public void Stop()
        {
            _events.Stop();
            Poll.UntilDone("the collector has ended", _collecting);
        }

        public void Dispose()
        {
            Stop();
            _events.Dispose();
        }

        private void Collect()
        {
            var kernelNames = new HashSet<string>();
            var nodeNames = new HashSet<string>();
            while (_events.Wait(kernelNames, nodeNames))
            {
                lock (_events)
                {
                    _kernelNames.UnionWith(kernelNames);
                    _nodeNames.UnionWith(nodeNames);
                }
            }
        }

        private string[] Copy(HashSet<string> names)
        {
            lock (_events)
            {
                return [.. names];
            }
        }
    }
}
