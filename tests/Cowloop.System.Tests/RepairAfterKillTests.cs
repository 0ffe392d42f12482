using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The service is killed, and cowrepair makes the cowfile usable again.</summary>
public class RepairAfterKillTests(CowService service, Nobody nobody, ITestOutputHelper output) : SystemTest(service, output), IClassFixture<Nobody>
{
    [RootFact]
    public void T37_zeros_that_were_flushed_over_a_new_block_stay_zeros()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 5120, Data.Fill(0xAA, 1024));
        BlockIo.Write(disk.Path, 5120, Data.Fill(0, 1024));
        Service.Kill();
        Service.Run("cowrepair", disk.Cowfile).MustSucceed();
        Assert.Equal(Data.Fill(0, 1024), BlockIo.Read(Attach(disk.Image).Path, 5120, 1024));
    }

    [RootFact]
    public void Blocks_that_were_written_and_never_flushed_are_found()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        byte[] content = Data.Random(1, 512 << 10);
        BlockIo.WriteUnflushed(disk.Path, 65536, content);
        Service.Kill();
        Assert.Equal("Number of corrections in bitmap: 512\n", Service.Run("cowrepair", disk.Cowfile).MustSucceed().Output);
        Assert.Equal(content, BlockIo.Read(Attach(disk.Image).Path, 65536, content.Length));
    }

    [RootFact]
    public void The_command_that_the_refusal_names_repairs_the_cowfile()
    {
        string image = NumbersBase();
        string cowfile = Golden.ImageG5.Write(Temp["my cow's file"]);
        string error = Service.Cowdev("-a", image, cowfile).MustExitWith(2).Error;
        string command = error[(error.IndexOf("cowrepair ", StringComparison.Ordinal) + "cowrepair ".Length)..].TrimEnd('\n');
        Shell.Run("sh", "-c", $"{Repository.Program("cowrepair")} {command}");
        Attach(image, "my cow's file");
    }

    [RootFact("setpriv")]
    public void Who_may_not_see_what_was_kept_may_not_repair_without_it()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.WriteUnflushed(disk.Path, 65536, Data.Fill(0, 64 << 10));
        Service.Kill();
        Shell.Run("chmod", "755", Temp.Path);
        Shell.Run("chmod", "666", disk.Cowfile);
        var before = FileSnapshot.Of(disk.Cowfile);
        foreach (string[] options in (string[][])[[], ["-f"], ["-n"]])
        {
            nobody.Try(new ShellOptions { Environment = Service.Environment }, "cowrepair", [.. options, disk.Cowfile])
                .MustRefuse(1, $"{disk.Cowfile}: Permission denied", "run this as root");
        }
        before.MustBeUnchanged();
        Assert.Equal("Number of corrections in bitmap: 64\n", Service.Run("cowrepair", disk.Cowfile).MustSucceed().Output);
    }

    [RootFact]
    public void A_cowfile_in_use_is_not_repaired()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        var before = FileSnapshot.Of(disk.Cowfile);
        CommandResult result = Service.Run("cowrepair", disk.Cowfile).MustRefuse(1, $"{disk.Cowfile}: Device or resource busy", $"it is the cowfile of {disk.Path}");
        Assert.Contains($"cowdev -d {disk.Path}", result.Error, StringComparison.Ordinal);
        before.MustBeUnchanged();
    }
}
