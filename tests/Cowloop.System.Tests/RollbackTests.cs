using Cowloop.Control;
using Cowloop.Core;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The changes of a device are thrown away, and it goes on.</summary>
public class RollbackTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    private readonly byte[] _bytes = Data.Random(1, 65_536);

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_device_shows_its_base_again(bool isPlain)
    {
        string image = NumbersBase();
        byte[] pristine = File.ReadAllBytes(image);
        CowDisk disk = AttachWith(image, [Temp["my.cow"], .. isPlain ? ["--plain"] : Array.Empty<string>()]);
        BlockIo.Write(disk.Path, 0, _bytes);
        Rollback(disk).MustSucceed();
        MustShow(pristine, disk);
        Assert.Equal(0, Service.Status(disk).GetProperty("cowBlocks").GetInt64());
        Assert.Equal(["R", "my.cow"], Files());

        byte[] expected = [.. pristine];
        Write(disk, expected, 4096, _bytes);
        MustShow(expected, disk);
        Service.Detach(disk);
        disk = Attach(image, "my.cow");
        MustShow(expected, disk);
        Service.Detach(disk);
        Assert.Empty(CowfileRest.Problems(disk.Cowfile, image));
    }

    [RootFact]
    public void A_device_shows_its_layers_again()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "r1.cow");
        Write(disk, expected, 0, _bytes);
        disk = Snapshot(disk, "top.cow");
        Base(Temp["r1.cow"]);
        BlockIo.Write(disk.Path, 32_768, Data.Random(2, 65_536));
        Rollback(disk).MustSucceed();
        MustShow(expected, disk);
        Assert.Equal([Temp["r1.cow"]], LayersOf(disk));
        Write(disk, expected, 16_384, Data.Random(3, 4096));
        Service.Detach(disk);
        disk = Attach(image, "top.cow");
        MustShow(expected, disk);

        // And again, for it is a new file each time.
        Rollback(disk).MustSucceed();
        Rollback(disk).MustSucceed();
        Assert.Equal(["R", "r1.cow", "top.cow"], Files());
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void It_is_refused_while_the_device_is_in_use()
    {
        CowDisk disk = Attach(Base(Images.Ext4(Temp["image"])));
        using (Mount mount = Mount(disk.Path))
        {
            File.WriteAllText(mount["kept"], "still\n");
            Rollback(disk).MustComplain(2, $"cowdevice {disk.Number} is", mount.Path, "unmount it");
            Assert.Equal("still\n", File.ReadAllText(mount["kept"]));
        }
        using (FileStream open = File.OpenRead(disk.Path))
        {
            Rollback(disk).MustComplain(2, $"cowdevice {disk.Number} is");
        }
        CowDisk upper = Attach(disk.Path, "upper.cow");
        Rollback(disk).MustComplain(2, $"cowdevice {disk.Number}");
        Service.Detach(upper);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal("still\n", File.ReadAllText(mount["kept"]));
        }
        Rollback(disk).MustSucceed();
        using (Mount mount = Mount(disk.Path))
        {
            Assert.False(File.Exists(mount["kept"]));
            Images.MustHoldContent(mount.Path);
        }
    }

    [RootFact("sfdisk")]
    public void Partitions_are_those_of_the_base_again()
    {
        CowDisk disk = Attach(Base(Images.Allocate(Temp["image"], 8)));
        Images.Partition(disk.Path, "label: dos\nstart=1MiB, size=4MiB\n");
        Poll.Until("the partition is there", () => File.Exists(disk.Partition(1)));
        Rollback(disk).MustSucceed();
        Poll.Until("the partition is gone", () => !File.Exists(disk.Partition(1)));
    }

    [RootFact]
    public void A_volatile_device_is_rolled_back_too()
    {
        string image = NumbersBase();
        CowDisk disk = AttachWith(image, "--volatile");
        BlockIo.Write(disk.Path, 0, _bytes);
        Rollback(disk).MustSucceed();
        byte[] expected = File.ReadAllBytes(image);
        MustShow(expected, disk);
        Write(disk, expected, 8192, _bytes);
        MustShow(expected, disk);
    }

    [RootFact]
    public void A_read_only_device_has_nothing_to_throw_away()
    {
        CowDisk disk = AttachWith(NumbersBase(), "--read-only");
        Rollback(disk).MustComplain(2, $"cowdevice {disk.Number} is read-only: it has no cowfile");
        Service.Cowloop("rollback", Service.Node(9)).MustExitWith(2).MustBeForPeople(2);
    }

    [RootFact]
    public void A_kill_leaves_the_old_content_or_the_base()
    {
        const int Kills = 16;
        string image = NumbersBase();
        byte[] pristine = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "my.cow");
        using var client = new ControlClient(Service.Paths);
        int doneCount = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            byte[] expected = [.. pristine];
            Write(disk, expected, 0, Data.Random(kill, 65_536));
            int process = Service.ProcessId;
            Task<bool> rollback = Task.Run(() => TryRollback(client));
            Thread.Sleep(kill);
            CowService.Kill(process);
            bool isAcknowledged = Poll.UntilDone("the rollback of a dead service ends", rollback);
            Service.StartService();
            byte[] found = Content(disk);
            bool isDone = found.AsSpan().SequenceEqual(pristine);
            Assert.True(isDone || (!isAcknowledged && found.AsSpan().SequenceEqual(expected)), $"kill {kill}: neither old nor new");
            doneCount += isDone ? 1 : 0;
            Assert.Equal(["R", "my.cow"], Files());
            Rollback(disk).MustSucceed();
        }
        Output.WriteLine($"{doneCount} of {Kills} were done");
    }

    private static bool TryRollback(ControlClient client)
    {
        try
        {
            client.Rollback(0);
            return true;
        }
        catch (CowloopException)
        {
            return false;
        }
    }

    private CommandResult Rollback(CowDisk disk) => Service.Cowloop("rollback", disk.Path);
}
