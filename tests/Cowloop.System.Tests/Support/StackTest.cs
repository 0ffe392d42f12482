using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests.Support;

/// <summary>A test with devices that are more than a base and a cowfile.</summary>
public abstract class StackTest(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    /// <summary>Activates a device with <c>cowloop attach</c>; the words are its arguments behind the base.</summary>
    protected CowDisk AttachWith(string image, params string[] words)
    {
        string path = TryAttachWith(image, words).MustSucceed().Line;
        _ = Service.ProcessId;
        return new CowDisk(path, image, CowfileOf(path));
    }

    /// <summary>The same, whatever comes of it.</summary>
    protected CommandResult TryAttachWith(string image, params string[] words) => Service.Cowloop(["attach", image, .. words]);

    /// <summary>Seals the cowfile of a device; the new one is named, not pathed.</summary>
    /// <returns>The same device with its new cowfile.</returns>
    protected CowDisk Snapshot(CowDisk disk, string cowfile, params string[] more)
    {
        ArgumentNullException.ThrowIfNull(disk);
        TrySnapshot(disk, cowfile, more).MustSucceed();
        return disk with { Cowfile = Temp[cowfile] };
    }

    /// <summary>The same, whatever comes of it.</summary>
    protected CommandResult TrySnapshot(CowDisk disk, string cowfile, params string[] more)
    {
        ArgumentNullException.ThrowIfNull(disk);
        return Service.Cowloop(["snapshot", disk.Path, Temp[cowfile], .. more]);
    }

    /// <summary>The layers of a device as its status names them, bottom to top.</summary>
    protected string[] LayersOf(CowDisk disk) => [.. Service.Status(disk).GetProperty("layers").EnumerateArray().Select(layer => layer.GetString()!)];

    /// <summary>What a device holds.</summary>
    protected static byte[] Content(CowDisk disk)
    {
        ArgumentNullException.ThrowIfNull(disk);
        return File.ReadAllBytes(disk.Path);
    }

    /// <summary>Fails unless a device shows this, from its first byte to its last.</summary>
    protected static void MustShow(byte[] expected, CowDisk disk)
    {
        ArgumentNullException.ThrowIfNull(expected);
        byte[] found = Content(disk);
        Assert.Equal(expected.Length, found.Length);
        int sameBytes = expected.AsSpan().CommonPrefixLength(found);
        Assert.True(sameBytes == expected.Length, $"{disk.Path} shows something else from byte {sameBytes} on");
    }

    /// <summary>Writes to a device, flushes, and to the bytes that it must show.</summary>
    protected static void Write(CowDisk disk, byte[] expected, int offset, byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(bytes);
        BlockIo.Write(disk.Path, offset, bytes);
        bytes.CopyTo(expected, offset);
    }

    /// <summary>The names of the files in the test's directory.</summary>
    protected string[] Files() => [.. Directory.GetFiles(Temp.Path).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    /// <summary>Kills the service and starts another one without a tool.</summary>
    protected void Restart()
    {
        Service.Kill();
        Service.StartService();
    }

    private string CowfileOf(string device)
    {
        using JsonDocument list = JsonDocument.Parse(File.ReadAllText(Service.Paths.DeviceList));
        return list.RootElement.EnumerateArray()
            .Single(status => status.GetProperty("path").GetString() == device)
            .GetProperty("cowfilePath").GetString()!;
    }
}
