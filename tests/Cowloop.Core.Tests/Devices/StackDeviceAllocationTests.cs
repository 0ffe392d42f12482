using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>The data path through a stack allocates nothing: 0 bytes, not few.</summary>
public class StackDeviceAllocationTests
{
    private const int BlockCount = 4000;
    private const int Rounds = 3000;

    private readonly byte[] _buffer = new byte[8192];

    [Fact]
    public void Reads_and_changes_of_a_stack_allocate_nothing()
    {
        using var stack = new Stack(new byte[BlockCount * 1024]);
        for (int layer = 0; layer < 9; layer++)
        {
            for (int block = layer; block < BlockCount; block += 13)
            {
                stack.Device.Fill(block * 1024L, 1024, (byte)layer);
            }
            stack.Snapshot(stack.Device.GetAll());
        }
        using StackDevice device = Stack.Open(
            new FlatFile(new byte[BlockCount * 1024]),
            stack.Layers.Select(layer => new FlatFile(layer.ToArray())),
            new FlatFile(new byte[(BlockCount + 100) * 1024], 0),
            Disk.WithRecord);
        Errno worst = Work(device, 0, 100);

        Assert.Equal(0, Allocated.By(() => worst |= Work(device, 100, Rounds)));
        Assert.Equal(Errno.None, worst);
    }

    private Errno Work(StackDevice device, int first, int end)
    {
        Errno worst = Errno.None;
        for (int round = first; round < end; round++)
        {
            worst |= device.Read(round * 1024L + 100, _buffer);
            worst |= device.Write(round * 1024L + 700, _buffer.AsSpan(0, 900), fua: false);
            worst |= device.Zero(round * 1024L + 300, 1024, mayUnmap: round % 2 == 0, fua: false);
            worst |= device.Flush();
        }
        return worst;
    }
}
