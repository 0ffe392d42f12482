using System.Collections.Concurrent;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Fuse;
using Cowloop.Linux;

namespace Cowloop.Simulation.Tests.RealKernel;

/// <summary>A base and a cowfile as a real block device, served by this process.</summary>
internal sealed class ServedDisk : IDisposable
{
    private static readonly Guid Id = new("5f0c1f0e-2f5a-4a4e-9d2c-3a1b0c9d8e7f");

    private readonly ConcurrentQueue<string> _log = new();
    private readonly LoopTransport _transport;
    private readonly LoopAttachment _attachment;
    private readonly Overlay _overlay;

    /// <param name="basePath">The base.</param>
    /// <param name="cowfile">The cowfile; goes to the disk.</param>
    public ServedDisk(string basePath, IBlockFile cowfile)
    {
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(basePath, out PosixFile? baseFile));
        var options = new CowfileOptions { AllocateZeroedWords = words => new NativeWords(words), NewId = Id };
        _overlay = new Overlay(baseFile!, Cowfile.Open(cowfile, "my.cow", new BaseImage(baseFile!, basePath), options), 512);
        _transport = new LoopTransport(_log.Enqueue);
        _attachment = _transport.Attach("disk", "cowloop power loss test", _overlay);
    }

    /// <summary>The block device.</summary>
    public string Node => $"/dev/{_attachment.Loop.KernelName}";

    public void Dispose()
    {
        Poll.Until($"{Node} is free", () => _attachment.Released.IsCompleted || _attachment.TryDetach() == Errno.None);
        Errno closed = _overlay.Close();
        _transport.Dispose();
        Assert.Equal(Errno.None, closed);
        Assert.Empty(_log);
    }
}
