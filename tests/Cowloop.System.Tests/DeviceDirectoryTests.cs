using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Somebody removes the directory of the nodes under a running service.</summary>
public class DeviceDirectoryTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact]
    public void A_device_without_its_directory_is_deactivated_as_ever()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        RemoveDirectory();
        Service.Detach(disk);
        Assert.Empty(Service.LeftOverDevices());
        Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1);
        Service.Stop();
        Assert.Equal(Data.Fill(1, 1024), BlockIo.Read(Attach(image).Path, 0, 1024));
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_service_ends_without_the_directory(bool bySignal)
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        RemoveDirectory();
        if (bySignal)
        {
            CowService.Terminate(Service.ProcessId);
        }
        else
        {
            Service.Cowloop("unload").MustSucceed();
        }
        Poll.UntilNone("left by the service", Service.LeftOvers);
        Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1);
    }

    [RootFact]
    public void Activation_without_the_directory_is_refused_and_leaves_nothing()
    {
        string image = NumbersBase();
        Service.Detach(Attach(image, "warm-up.cow"));
        RemoveDirectory();
        Service.Cowdev("-a", image, Temp["changes.cow"])
            .MustRefuse(2, "activate new cowdevice: No such file or directory", $"cannot make {Service.Node(0)}");
        Assert.False(File.Exists(Temp["changes.cow"]));
        Assert.Empty(Service.LeftOverDevices());
        Assert.Empty(Service.ActiveDevices());

        Directory.CreateDirectory(Service.DeviceDirectory);
        CowDisk disk = Attach(image);
        Assert.Equal(Service.Node(0), disk.Path);
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(disk.Path));
    }

    private void RemoveDirectory() => Shell.Run("rm", "-rf", Service.DeviceDirectory);
}
