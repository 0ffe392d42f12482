using Xunit.Abstractions;

namespace Cowloop.SystemTests.Support;

/// <summary>
/// A test that drives the service of its class with devices of its own. After it everything is unmounted and deactivated,
/// nothing of the devices may be left, and the bases must be what they were.
/// </summary>
public abstract class SystemTest : IClassFixture<CowService>, IDisposable
{
    private readonly int _logStart;
    private readonly List<FileSnapshot> _bases = [];
    private readonly Stack<Mount> _mounts = [];

    protected SystemTest(CowService service, ITestOutputHelper output)
    {
        ArgumentNullException.ThrowIfNull(service);
        Service = service;
        Output = output;
        _logStart = service.Log.Length;
    }

    protected CowService Service { get; }

    /// <summary>Shown when the test fails.</summary>
    protected ITestOutputHelper Output { get; }

    protected TempDirectory Temp { get; } = new();

    /// <summary>A file that must not change, in bytes or time, until the test ends.</summary>
    protected string Base(string path)
    {
        _bases.Add(FileSnapshot.Of(path));
        return path;
    }

    /// <summary>R of the specification, as a base.</summary>
    protected string NumbersBase(string name = "R") => Base(Data.NumbersFile(Temp[name]));

    /// <summary>Activates a device; a cowfile is named, not pathed.</summary>
    protected CowDisk Attach(string image, string cowfile = "changes.cow", params string[] more) => Service.Attach(image, Temp[cowfile], more);

    /// <summary>Mounts something for the rest of the test, or until it is unmounted.</summary>
    internal Mount Mount(string device, params string[] options)
    {
        var mount = Cowloop.Tests.Support.Mount.Of(device, Temp[$"mnt{_mounts.Count}"], options);
        _mounts.Push(mount);
        return mount;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        // Shown only when the test fails.
        string log = Service.Log;
        Output.WriteLine($"log of the service:\n{(_logStart <= log.Length ? log[_logStart..] : log)}");
        foreach (Mount mount in _mounts)
        {
            mount.Dispose();
        }
        Service.Revive();
        foreach (string device in Service.ActiveDevices().Reverse())
        {
            Service.Cowdev("-d", device).MustSucceed();
        }
        Poll.UntilNone("left by the devices of this test", Service.LeftOverDevices);
        foreach (FileSnapshot snapshot in _bases)
        {
            snapshot.MustBeUnchanged();
        }
        Temp.Dispose();
    }
}
