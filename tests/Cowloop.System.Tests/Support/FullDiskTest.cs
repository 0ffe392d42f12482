using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests.Support;

/// <summary>A test with devices whose cowfiles find no space.</summary>
public abstract class FullDiskTest(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private int _storeCount;

    /// <summary>A filesystem in memory.</summary>
    internal SmallStore Store(int sizeKiB) => new(Mount("cowtest", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={sizeKiB}k")));

    /// <summary>An ext4 of which root can have all.</summary>
    internal SmallStore Ext4Store(int sizeMiB)
    {
        string image = Images.Allocate(Temp[$"store{_storeCount++}"], sizeMiB);
        Shell.Run("mkfs.ext4", "-q", "-m", "0", image);
        return new SmallStore(Mount(image, "-o", "loop"));
    }

    /// <summary>An exFAT, as on a stick: no holes, no permissions, and here without the kernel's help.</summary>
    internal SmallStore ExfatStore(int sizeMiB)
    {
        string image = Images.Allocate(Temp[$"store{_storeCount++}"], sizeMiB);
        Shell.Run("mkfs.exfat", image);
        return new SmallStore(Mount(image, "-t", "exfat-fuse", "-o", "loop"));
    }

    /// <summary>The space as the status shows it.</summary>
    protected JsonElement Space(CowDisk disk) => Service.Status(disk).GetProperty("space");

    /// <summary>Requests that wait.</summary>
    protected int Waiting(CowDisk disk) => Space(disk).GetProperty("waiting").GetInt32();

    protected void MustWait(CowDisk disk) => Poll.Until("changes wait for space", () => Waiting(disk) > 0);

    /// <summary>The state in the list of devices.</summary>
    protected string ListedState(CowDisk disk)
    {
        ArgumentNullException.ThrowIfNull(disk);
        string line = Service.Cowloop("list").MustSucceed().Output.Split('\n').Single(text => text.StartsWith($"{disk.Path} ", StringComparison.Ordinal));
        return line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[5];
    }

    /// <summary>Starts a direct write of random bytes, which may take long.</summary>
    protected static Process StartWrite(CowDisk disk, string bytesFile, long offset)
    {
        ArgumentNullException.ThrowIfNull(disk);
        return Shell.Start(
            new ShellOptions(),
            "dd",
            $"if={bytesFile}",
            $"of={disk.Path}",
            string.Create(CultureInfo.InvariantCulture, $"bs={new FileInfo(bytesFile).Length}"),
            "count=1",
            string.Create(CultureInfo.InvariantCulture, $"seek={offset}"),
            "oflag=direct,seek_bytes",
            "conv=notrunc,fsync",
            "status=none");
    }

    /// <summary>Waits for a process to end.</summary>
    internal static CommandResult Finish(Process process)
    {
        ArgumentNullException.ThrowIfNull(process);
        using (process)
        {
            Task<string> written = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            Poll.Until("the process has ended", () => process.HasExited);
            return new CommandResult(process.StartInfo.FileName, process.ExitCode, written.Result, error.Result);
        }
    }

    /// <summary>Fails unless a process ends with an error that a full disk can cause.</summary>
    internal static void MustFindNoSpace(Process process)
    {
        CommandResult result = Finish(process);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("No space left on device", result.Error, StringComparison.Ordinal);
    }
}
