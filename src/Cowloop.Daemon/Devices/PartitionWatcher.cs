using System.Globalization;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>Keeps the partition nodes up to date while devices are repartitioned: one thread that sleeps until something happens.</summary>
internal sealed class PartitionWatcher : IDisposable
{
    private readonly DeviceTable _table;
    private readonly NodeDirectory _nodes;
    private readonly BlockEvents _events;
    private readonly Thread _thread;

    public PartitionWatcher(DeviceTable table, NodeDirectory nodes, string nodeDirectory)
    {
        _table = table;
        _nodes = nodes;
        _events = new BlockEvents(nodeDirectory);
        _thread = new Thread(Run) { Name = "partitions", IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _events.Stop();
        _thread.Join();
        _events.Dispose();
    }

    private void Run()
    {
        var kernelNames = new HashSet<string>();
        var nodeNames = new HashSet<string>();
        while (_events.Wait(kernelNames, nodeNames))
        {
            foreach (CowDevice device in _table.List())
            {
                if (kernelNames.Contains(device.Attachment.Loop.KernelName)
                    || nodeNames.Contains(device.Number.ToString(CultureInfo.InvariantCulture)))
                {
                    Update(device);
                }
            }
            kernelNames.Clear();
            nodeNames.Clear();
        }
    }

    private void Update(CowDevice device)
    {
        try
        {
            _nodes.Update(device);
        }
#pragma warning disable CA1031 // Whatever goes wrong with partition nodes, the devices go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ServiceLog.Error($"partitions of cowdevice {device.Number} not updated: {exception}");
        }
    }
}
