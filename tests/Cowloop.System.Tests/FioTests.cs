using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>fio writes in random places and sizes and verifies every byte, then and after re-activation.</summary>
public class FioTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int BaseLength = 48 * 1024 * 1024;

    [RootTheory("fio")]
    [InlineData("--bs=512", "--size=2m", "--iodepth=16")]
    [InlineData("--bs=4k", "--size=40m", "--iodepth=32")]
    [InlineData("--bsrange=512-64k", "--blockalign=512", "--size=40m", "--iodepth=16")]
    [InlineData("--bs=3584", "--size=20m", "--iodepth=8")]
    [InlineData("--bs=1m", "--size=40m", "--iodepth=4")]
    public void Random_writes_are_read_back_unchanged(params string[] shape)
    {
        string image = Base(Data.RandomFile(Temp["image"], 1, BaseLength));
        CowDisk disk = Attach(image);
        Write(disk, shape).MustSucceed();
        Service.Detach(disk);

        disk = Attach(image);
        Verify(disk, shape).MustSucceed();
        Service.Detach(disk);

        // The proof of the proof: without the changes fio complains.
        Assert.NotEqual(0, Verify(Attach(image, "another.cow"), shape).ExitCode);
    }

    [RootFact("fio")]
    public void Two_devices_of_one_base_at_once()
    {
        string image = Base(Data.RandomFile(Temp["image"], 1, BaseLength));
        CowDisk[] disks = [Attach(image, "a.cow"), Attach(image, "b.cow")];
        string[] shape = ["--bsrange=512-64k", "--blockalign=512", "--size=24m", "--iodepth=8"];
        disks.AsParallel().WithDegreeOfParallelism(2).ForAll(disk => Write(disk, shape).MustSucceed());
        disks.AsParallel().WithDegreeOfParallelism(2).ForAll(disk => Verify(disk, shape).MustSucceed());
    }

    private CommandResult Write(CowDisk disk, string[] shape) => Fio(disk, "--do_verify=1", shape);

    private CommandResult Verify(CowDisk disk, string[] shape) => Fio(disk, "--verify_only", shape);

    private CommandResult Fio(CowDisk disk, string phase, string[] shape) => Shell.Try(
        new ShellOptions { Directory = Temp.Path },
        "fio",
        [
            $"--filename={disk.Path}", phase, .. shape,
            "--name=verify", "--rw=randrw", "--direct=1", "--ioengine=libaio", "--randseed=42",
            "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", "--end_fsync=1", "--output-format=terse",
        ]);
}
