using System.Collections.Concurrent;
using Cowloop.Core;
using Cowloop.Tests.Support;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A disk in memory as a block device, which goes with the test.</summary>
internal sealed class AttachedDisk : IDisposable
{
    public const int MiB = 1 << 20;
    public const string LoopControl = "/dev/loop-control";
    public const string Fuse = "/dev/fuse";

    private readonly ConcurrentQueue<string> _log = new();

    public AttachedDisk(int lengthBytes = 16 * MiB, int sectorSize = 512, TimeSpan spaceWaitTime = default)
    {
        Memory = new MemoryDisk(lengthBytes, sectorSize);
        Transport = new LoopTransport(_log.Enqueue);
        Attachment = Transport.Attach("memory-disk", "label", Memory, spaceWaitTime);
    }

    public MemoryDisk Memory { get; }

    public LoopTransport Transport { get; }

    public LoopAttachment Attachment { get; }

    public string KernelName => Attachment.Loop.KernelName;

    public string Node => $"/dev/{KernelName}";

    public bool IsBound => Directory.Exists($"/sys/block/{KernelName}/loop");

    public void Dispose()
    {
        Poll.Until($"{Node} is free", () => Attachment.Released.IsCompleted || Attachment.TryDetach() == Errno.None);
        Transport.Dispose();
        Assert.Empty(_log);
    }
}
