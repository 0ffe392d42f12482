using Cowloop.Core;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests.Support;

/// <summary>A loop device on a sparse file, which goes with the test.</summary>
internal sealed class LoopDisk : IDisposable
{
    public const string Control = "/dev/loop-control";
    public const int MiB = 1 << 20;

    private readonly TempDirectory _directory = new();

    public LoopDisk(string label = "test-disk", int lengthBytes = 16 * MiB, int sectorSize = 512)
    {
        FilePath = _directory.MakeFile("disk.img", lengthBytes);
        using SafeFileHandle file = File.OpenHandle(FilePath, FileMode.Open, FileAccess.ReadWrite);
        Device = LoopDevice.Attach(file, sectorSize, label);
    }

    /// <summary>The file below.</summary>
    public string FilePath { get; }

    public LoopDevice Device { get; }

    /// <summary>The kernel's node.</summary>
    public string Node => $"/dev/{Device.KernelName}";

    public bool IsBound => Directory.Exists($"/sys/block/{Device.KernelName}/loop");

    /// <summary>A place to mount on.</summary>
    public string MakeMountPoint(string name) => Directory.CreateDirectory(_directory[name]).FullName;

    /// <summary>Writes a partition table of two partitions and waits until the kernel knows them.</summary>
    public void Partition()
    {
        string script = _directory["table"];
        File.WriteAllText(script, "label: dos\nstart=2048, size=8192\nstart=10240, size=20480\n");
        Shell.Run("sh", "-c", $"sfdisk --quiet --no-reread {Node} < {script}");
        Shell.Run("partx", "--update", Node);
        Poll.Until("the partitions are known", () => Device.Partitions().Count == 2);
    }

    public void Dispose()
    {
        Poll.Until($"{Node} is free", () => !IsBound || Device.TryDetach() is Errno.None or Errno.ENXIO);
        _directory.Dispose();
    }
}
