using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The service is killed, and cowrepair makes the cowfile usable again.</summary>
public class RepairAfterKillTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
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
        CowDisk disk = Attach(NumbersBase(), "my cow's file", "--plain");
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        Service.Kill();
        string error = Service.Cowdev("-a", disk.Image, disk.Cowfile).MustExitWith(2).Error;
        string command = error[(error.IndexOf("cowrepair ", StringComparison.Ordinal) + "cowrepair ".Length)..].TrimEnd('\n');
        Shell.Run("sh", "-c", $"{Repository.Program("cowrepair")} {command}");
        Attach(disk.Image, "my cow's file");
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
