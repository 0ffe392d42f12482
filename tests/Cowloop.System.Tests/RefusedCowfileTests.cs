using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Cowfiles that don't fit, are damaged or in use: refused with the reason, and left as they are.</summary>
public class RefusedCowfileTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Invalid = "activate new cowdevice: Invalid argument";
    private const string Busy = "activate new cowdevice: Device or resource busy";

    [RootTheory]
    [InlineData("T10", 0, 0x00, "incorrect format")]
    // With 3: version 2 is a device that is larger than its base now.
    [InlineData("T11", 4, 0x03, "newer than this driver")]
    [InlineData("T12", 4, 0x00, "version 0")]
    [InlineData("T13", 6, 0x01, "is dirty (not properly closed by rmmod?)")]
    [InlineData("T14", 6, 0x02, "packed cowfile")]
    [InlineData("T14", 6, 0x03, "not accepted")]
    [InlineData("T16", 32, 0x01, "(size 1049600) not related to rdofile (size 1048576)")]
    [InlineData("T17", 40, 0xB9, "not related to rdofile  (fingerprint err - rdofile modified?)")]
    [InlineData("T18", 48, 0x05, "inconsistent cowfile admi")]
    [InlineData("T19", 25, 0x20, "damaged header")]
    public void T10_to_T19_one_byte_of_G2_changed(string test, int offset, byte value, string reason)
    {
        Assert.StartsWith("T1", test, StringComparison.Ordinal);
        byte[] file = Golden.G2();
        file[offset] = value;
        File.WriteAllBytes(Temp["B"], file);
        RefuseB(reason);
    }

    [RootFact]
    public void T13_a_dirty_cowfile_is_refused_with_the_command_that_repairs_it()
    {
        Golden.ImageG5.Write(Temp["B"]);
        RefuseB("is dirty (not properly closed by rmmod?); run: cowrepair ");
    }

    [RootFact]
    public void T15_unknown_flag_0x0004_is_accepted()
    {
        byte[] file = Golden.G2();
        file[6] = 0x04;
        File.WriteAllBytes(Temp["B"], file);
        string image = NumbersBase();
        CowDisk disk = Attach(image, "B");
        Assert.Equal("11db803722cceaf5806d48e720efa3ba4ab7d7329f8930047901042f9906f093", FileSnapshot.HashOf(disk.Path));
        Service.Detach(disk);
        Assert.Equal("11db803722cceaf5806d48e720efa3ba4ab7d7329f8930047901042f9906f093", FileSnapshot.HashOf(Attach(image, "B").Path));
    }

    [RootTheory]
    [InlineData(100, "too small")]
    [InlineData(1023, "too small")]
    [InlineData(1024, "incomplete")]
    [InlineData(1500, "incomplete")]
    [InlineData(8300, "incomplete")]
    [InlineData(108543, "incomplete")]
    public void T20_a_truncated_cowfile(int length, string reason)
    {
        File.WriteAllBytes(Temp["B"], Golden.G2()[..length]);
        RefuseB(reason);
    }

    [RootFact]
    public void T21_an_empty_file_becomes_a_cowfile_and_keeps_its_mode()
    {
        File.WriteAllBytes(Temp["B"], []);
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        File.SetUnixFileMode(Temp["B"], Mode);
        Service.Detach(Attach(NumbersBase(), "B"));
        Assert.Equal(2048, new FileInfo(Temp["B"]).Length);
        Assert.Equal(Mode, File.GetUnixFileMode(Temp["B"]));
    }

    [RootFact]
    public void T22_a_cowfile_that_is_a_directory_or_in_a_missing_one()
    {
        string image = NumbersBase();
        Directory.CreateDirectory(Temp["directory"]);
        var before = DirectorySnapshot.Of(Temp.Path);
        Service.Cowdev("-a", image, Temp["directory"]).MustRefuse(2, Invalid, $"failed to open file {Temp["directory"]} for read-write: Is a directory");
        Service.Cowdev("-a", image, Temp["missing/x.cow"]).MustRefuse(2, Invalid, $"failed to open file {Temp["missing/x.cow"]} for read-write: No such file or directory");
        before.MustBeUnchanged();
    }

    [RootFact]
    public void T22_a_cowfile_on_a_read_only_filesystem()
    {
        string image = NumbersBase();
        using Mount mount = Mount("cowtest", "-t", "tmpfs");
        File.WriteAllBytes(mount["old.cow"], Golden.G2());
        Shell.Run("mount", "-o", "remount,ro", mount.Path);
        Service.Cowdev("-a", image, mount["new.cow"]).MustRefuse(2, Invalid, mount["new.cow"], "Read-only file system");
        Service.Cowdev("-a", image, mount["old.cow"]).MustRefuse(2, Invalid, mount["old.cow"], "Read-only file system");
    }

    [RootFact("mkfifo")]
    public void A_cowfile_that_is_no_regular_file()
    {
        string image = NumbersBase();
        Shell.Run("mkfifo", Temp["fifo"]);
        var before = DirectorySnapshot.Of(Temp.Path);
        Service.Cowdev("-a", image, "/dev/null").MustRefuse(2, Invalid, "/dev/null is not regular file");
        Service.Cowdev("-a", image, Temp["fifo"]).MustRefuse(2, Invalid, Temp["fifo"]);
        before.MustBeUnchanged();
    }

    [RootFact]
    public void T23_same_cowfile_for_a_second_device_is_busy()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        Shell.Run("ln", disk.Cowfile, Temp["hard link"]);
        Shell.Run("ln", "-s", disk.Cowfile, Temp["soft link"]);
        foreach (string name in new[] { disk.Cowfile, Temp["hard link"], Temp["soft link"] })
        {
            Service.Cowdev("-a", image, name).MustRefuse(2, Busy, $"{name}: already in use as cow of cowdevice {disk.Number}");
        }
        Assert.Equal(Data.Fill(1, 1024), BlockIo.Read(disk.Path, 0, 1024));
        Service.Detach(disk);
        Assert.Equal(Data.Fill(1, 1024), BlockIo.Read(Attach(image, "hard link").Path, 0, 1024));
    }

    [RootFact]
    public void The_cowfile_of_another_service_is_busy()
    {
        string image = NumbersBase();
        using var other = new CowService();
        other.Attach(image, Temp["x.cow"]);
        Service.Cowdev("-a", image, Temp["x.cow"]).MustRefuse(2, Busy, $"{Temp["x.cow"]}: already in use");
    }

    [RootFact]
    public void A_base_that_is_in_use_is_no_cowfile()
    {
        string image = NumbersBase();
        string other = Base(Data.NumbersFile(Temp["other"], 8192));
        Attach(image);
        Service.Cowdev("-a", other, image).MustRefuse(2, Busy, $"{image}: already in use");
        Service.Cowdev("-a", other, other).MustRefuse(2, Invalid, "same file");
    }

    /// <summary>Of a plain cowfile. One with a record is refused.</summary>
    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void T27_a_base_changed_outside_the_fingerprint_is_accepted(bool isPlain)
    {
        string image = Data.NumbersFile(Temp["R"]);
        CowDisk disk = Attach(image, "changes.cow", isPlain ? ["--plain"] : []);
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        Service.Detach(disk);
        using (FileStream file = File.OpenWrite(image))
        {
            file.Position = 500_000;
            file.WriteByte(0xFF);
        }
        Base(image);
        if (!isPlain)
        {
            Service.Cowdev("-a", image, disk.Cowfile).MustRefuse(2, Invalid, $"rdofile {image} has changed since cowfile {disk.Cowfile}", "its first 2 MiB differ", "--accept-base");
        }
        disk = Attach(image, "changes.cow", isPlain ? [] : ["--accept-base"]);
        Assert.Equal(0xFF, File.ReadAllBytes(disk.Path)[500_000]);
        Assert.Equal(Data.Fill(1, 1024), BlockIo.Read(disk.Path, 0, 1024));
    }

    [RootFact]
    public void The_cowfile_of_another_base_is_refused()
    {
        string image = NumbersBase();
        string other = Base(Data.RandomFile(Temp["other"], 1, 1024 * 1024));
        string larger = Base(Data.RandomFile(Temp["larger"], 1, 1024 * 1024 + 1024));
        Service.Detach(Attach(image));
        Service.Detach(Attach(image, "plain.cow", "--plain"));
        string cowfile = Temp["changes.cow"];
        var before = DirectorySnapshot.Of(Temp.Path);
        Service.Cowdev("-a", other, Temp["plain.cow"]).MustRefuse(2, Invalid, $"cowfile {Temp["plain.cow"]} not related to rdofile  (fingerprint err");
        Service.Cowdev("-a", other, cowfile).MustRefuse(2, Invalid, $"rdofile {other} has changed since cowfile {cowfile} was made for it");
        Service.Cowdev("-a", larger, cowfile).MustRefuse(2, Invalid, $"cowfile {cowfile} (size 1048576) not related to rdofile (size 1049600)");
        before.MustBeUnchanged();
    }

    [RootTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Garbage_is_no_cowfile(int seed)
    {
        byte[] garbage = Data.Random(seed, 50_000);
        if (seed > 1)
        {
            // With the magic, and then with a plausible version too.
            Golden.G2().AsSpan(0, 4 * (seed - 1)).CopyTo(garbage);
        }
        File.WriteAllBytes(Temp["B"], garbage);
        RefuseB(seed == 1 ? "incorrect format" : seed == 2 ? "cowfile" : "damaged header");
    }

    [RootFact]
    public void A_cowfile_with_a_wrong_bit_in_its_bitmap_is_refused()
    {
        byte[] file = Golden.G2();
        file[1024 + 5] ^= 0x80;
        File.WriteAllBytes(Temp["B"], file);
        RefuseB("inconsistent cowfile admi");
    }

    private void RefuseB(string reason)
    {
        string image = NumbersBase();
        var before = DirectorySnapshot.Of(Temp.Path);
        CommandResult result = Service.Cowdev("-a", image, Temp["B"]).MustRefuse(2, Invalid, reason);
        Assert.Contains(Temp["B"], result.Error, StringComparison.Ordinal);
        Assert.Contains(reason.Split(';')[0], Service.Log, StringComparison.Ordinal);
        Assert.Empty(Service.ActiveDevices());
        before.MustBeUnchanged();
    }
}
