using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What can't be a base; the cowfile is never touched for that.</summary>
public class BadBaseTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Invalid = "activate new cowdevice: Invalid argument";

    [RootFact]
    public void T22_missing_base() => Refuse(Temp["missing"], $"open of rdofile {Temp["missing"]} failed: No such file or directory");

    [RootFact]
    public void T22_directory_as_base() => Refuse(Temp.Path, $"{Temp.Path} not regular file or blockdev");

    [RootFact]
    public void T22_null_device_as_base() => Refuse("/dev/null", "/dev/null not regular file or blockdev");

    [RootTheory]
    [InlineData(0)]
    [InlineData(1023)]
    public void T22_base_shorter_than_a_block(int length)
    {
        File.WriteAllBytes(Temp["short"], Data.Fill(1, length));
        Refuse(Temp["short"], $"{Temp["short"]} has no contents");
    }

    [RootFact]
    public void A_base_beyond_a_file_that_is_no_directory()
    {
        File.WriteAllText(Temp["file"], "x");
        Refuse(Temp["file/below"], Temp["file/below"], "Not a directory");
    }

    [RootFact("mkfifo")]
    public void A_fifo_as_base_is_refused_at_once()
    {
        Shell.Run("mkfifo", Temp["fifo"]);
        Refuse(Temp["fifo"], $"{Temp["fifo"]} not regular file or blockdev");
    }

    [RootFact]
    public void Empty_names()
    {
        string image = NumbersBase();
        Service.Cowdev("-a", "", Temp["x.cow"]).MustRefuse(2, Invalid, "specify name for read-only file");
        Service.Cowdev("-a", image, "").MustRefuse(2, Invalid, "specify name of copy-on-write file");
        Assert.False(File.Exists(Temp["x.cow"]));
    }

    [RootFact]
    public void Names_that_are_too_long()
    {
        string image = NumbersBase();
        string name = $"/{new string('n', 5000)}";
        Service.Cowdev("-a", name, Temp["x.cow"]).MustRefuse(2, "activate new cowdevice: File name too long");
        Service.Cowdev("-a", image, name).MustRefuse(2, "activate new cowdevice: File name too long");
    }

    [RootFact]
    public void The_smallest_base_has_one_block()
    {
        string image = Base(Data.RandomFile(Temp["image"], 1, 1024));
        CowDisk disk = Attach(image);
        Assert.Equal(1024, BlockIo.SizeOf(disk.Path));
        BlockIo.Write(disk.Path, 512, Data.Fill(7, 512));
        Assert.Equal([.. File.ReadAllBytes(image)[..512], .. Data.Fill(7, 512)], BlockIo.Read(disk.Path, 0, 1024));
    }

    private void Refuse(string image, params string[] reasons)
    {
        // The service's own files lie elsewhere; an existing and a missing cowfile are both left alone.
        File.WriteAllBytes(Temp["old.cow"], Golden.G2());
        var before = DirectorySnapshot.Of(Temp.Path);
        foreach (string cowfile in new[] { "old.cow", "new.cow" })
        {
            CommandResult result = Service.Cowdev("-a", image, Temp[cowfile]).MustRefuse(2, Invalid, reasons);
            Assert.Contains(image, result.Error, StringComparison.Ordinal);
        }
        Assert.Empty(Service.ActiveDevices());
        before.MustBeUnchanged();
    }
}
