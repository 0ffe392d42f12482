using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>
/// Devices whose base and cowfile lie on a filesystem of another cowdevice: their requests wait for that one's, which must find
/// workers. Unlike <see cref="StackedDeviceTests"/>, nothing goes in process.
/// </summary>
public class NestedDeviceTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int InnerLength = 48 * 1024 * 1024;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(60);

    [RootTheory("fio", "mkfs.ext4", "fs:ext4")]
    [InlineData(1)]
    [InlineData(4)]
    public void Inner_devices_under_load_do_not_starve_the_outer_one(int innerCount)
    {
        CowDisk outer = Attach(Base(Images.Ext4(Temp["image"], 384)), "outer.cow");
        int process = Service.ProcessId;
        Mount mount = Mount(outer.Path);
        string image = Data.RandomFile(mount["inner.img"], 1, InnerLength);
        CowDisk[] inner = [.. Enumerable.Range(0, innerCount).Select(index => Service.Attach(image, mount[$"inner{index}.cow"]))];
        try
        {
            // Otherwise the inner base is read from the page cache and needs the outer device for nothing.
            Shell.RunScript("sync; echo 3 >/proc/sys/vm/drop_caches");
            RunFio("randread", inner, process);
            RunFio("randwrite", inner, process);
        }
        finally
        {
            foreach (CowDisk disk in inner)
            {
                Service.Cowdev("-d", disk.Path);
            }
        }
        Assert.Equal([outer.Path], Service.ActiveDevices());
    }

    private void RunFio(string pattern, CowDisk[] disks, int process)
    {
        var fio = Task.Run(() => Fio(pattern, disks));
        if (!fio.Wait(TimeLimit))
        {
            // What hangs on its devices hangs until it is gone; the next one clears them.
            CowService.Kill(process);
            Service.Cowloop("load").MustSucceed();
            Assert.Fail($"{pattern} on {disks.Length} inner devices was still running after {TimeLimit.TotalSeconds} s");
        }
        fio.GetAwaiter().GetResult().MustSucceed();
    }

    private CommandResult Fio(string pattern, CowDisk[] disks) => Shell.Try(
        new ShellOptions { Directory = Temp.Path },
        "fio",
        [
            $"--rw={pattern}", "--bs=4k", "--size=8m", "--iodepth=128", "--ioengine=libaio", "--direct=1", "--randseed=42", "--output-format=terse",
            .. disks.SelectMany(disk => new[] { $"--name=inner{disk.Number}", $"--filename={disk.Path}" }),
        ]);
}
