using Cowloop.Control;

namespace Cowloop.SystemTests.Support;

/// <summary>Knows of devices only what the service's events tell, from its making on.</summary>
internal sealed class DeviceListener
{
    private readonly Lock _lock = new();
    private readonly SortedSet<int> _known = [];
    private readonly string _nodeDirectory;
    private readonly Task _listening;

    public DeviceListener(CowloopPaths paths)
    {
        _nodeDirectory = paths.DeviceDirectory;
        _listening = Task.Factory.StartNew(() => Listen(paths), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Waits until these are all the devices that it knows, by their nodes.</summary>
    public void MustComeToKnow(IEnumerable<string> nodes)
    {
        string[] expected = [.. nodes.Order(StringComparer.Ordinal)];
        Poll.Until(
            "the events tell of the same devices",
            () => !_listening.IsCompleted && Known().Select(number => $"{_nodeDirectory}/{number}").Order(StringComparer.Ordinal).SequenceEqual(expected));
    }

    /// <summary>The service ends, and the events with it.</summary>
    public void MustEnd() => Poll.UntilDone("the events end", _listening);

    private void Listen(CowloopPaths paths)
    {
        using var client = new ControlClient(paths);
        foreach (ServiceEvent happened in client.Listen())
        {
            int[] numbers = [.. happened.Devices.Select(device => device.Number)];
            lock (_lock)
            {
                switch (happened.Event)
                {
                    case "state":
                        _known.Clear();
                        _known.UnionWith(numbers);
                        break;
                    case "attached":
                        _known.UnionWith(numbers);
                        break;
                    case "detached":
                        _known.ExceptWith(numbers);
                        break;
                    default:
                        break;
                }
            }
        }
    }

    private int[] Known()
    {
        lock (_lock)
        {
            return [.. _known];
        }
    }
}
