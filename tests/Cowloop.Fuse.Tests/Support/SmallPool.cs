using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Cowloop.Linux;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A mounted tree with a pool of chosen size.</summary>
internal sealed partial class SmallPool : IDisposable
{
    private readonly FuseDevice _device = FuseDevice.Open();
    private readonly SafeFileHandle _mount;
    private readonly ConcurrentQueue<string> _log = new();

    public SmallPool(int minWorkers, int maxWorkers)
    {
        _mount = Mounts.MountFuseDetached(_device.Handle, FuseDispatcher.MaxTransferBytes);
        Pool = new FuseWorkerPool(_device, new FuseDispatcher(Tree), new FuseWorkerPool.Bounds(minWorkers, maxWorkers), _log.Enqueue);
    }

    public FlatTree Tree { get; } = new();

    public FuseWorkerPool Pool { get; }

    public IReadOnlyCollection<string> Log => _log;

    /// <summary>Threads of workers that this process has now, as the kernel knows them.</summary>
    public static int WorkerCount => Threads().Count(thread => WorkerName().IsMatch(thread.Name));

    /// <summary>How often the pool's watcher has gone to sleep so far.</summary>
    public static long WatcherRounds
    {
        get
        {
            string directory = Threads().Single(thread => thread.Name == "fuse-watch").Directory;
            return long.Parse(Regex.Match(File.ReadAllText($"{directory}/status"), @"\bvoluntary_ctxt_switches:\s*(\d+)").Groups[1].ValueSpan);
        }
    }

    public SafeFileHandle Open(string name) => Mounts.OpenBelow(_mount, name);

    public void Dispose()
    {
        _mount.Dispose();
        Pool.Dispose();
        _device.Dispose();
    }

    private static List<(string Directory, string Name)> Threads()
    {
        var threads = new List<(string, string)>();
        foreach (string directory in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                threads.Add((directory, File.ReadAllText($"{directory}/comm").TrimEnd('\n')));
            }
            catch (IOException)
            {
                // The thread has just ended.
            }
        }
        return threads;
    }

    [GeneratedRegex(@"^fuse-\d+$")]
    private static partial Regex WorkerName();
}
