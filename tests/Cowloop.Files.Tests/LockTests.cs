using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Files.Tests;

/// <summary>Files that a service has open: it holds an exclusive lock on its cowfiles and a shared one on its bases.</summary>
public class LockTests : ToolTest
{
    [Theory]
    [InlineData("cowrepair", "-f", "G2")]
    [InlineData("cowrepair", "-fn", "G2")]
    [InlineData("cowmerge", "-y", "R", "G2")]
    [InlineData("cowmerge", "--resume", "-y", "R", "G2")]
    [InlineData("cowmerge", "--dry-run", "R", "G2")]
    [InlineData("cowpack", "-p", "G2", "result")]
    [InlineData("cowpack", "-zp", "G2", "result")]
    [InlineData("cowpack", "-p", "link", "result")]
    public void A_cowfile_of_a_service_is_refused(string tool, params string[] arguments)
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        RunScript("ln -s G2 link");
        MustBeInUse("G2", exclusive: true, tool, arguments);
    }

    [Fact]
    public void A_dirty_cowfile_of_a_service_is_not_repaired()
    {
        Write("G3", Golden.ImageG3);
        MustBeInUse("G3", exclusive: true, "cowrepair", "G3");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_base_of_a_service_is_not_merged_into(bool exclusive)
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        MustBeInUse("R", exclusive, "cowmerge", "-y", "R", "G2");
        MustBeInUse("R", exclusive, "cowmerge", "--resume", "-y", "R", "G2");
    }

    [Theory]
    [InlineData("-p", "G2")]
    [InlineData("-u", "G2p")]
    [InlineData("-zu", "G2.gz")]
    public void A_cowfile_of_a_service_is_not_replaced(string option, string source)
    {
        Write("G2", Golden.ImageG2);
        Write("G2p", Golden.ImageG2.Packed());
        Write("G2.gz", Gzip(Golden.ImageG2.PackedStream()));
        Write("active", Golden.ImageG4);
        MustBeInUse("active", exclusive: true, "cowpack", option, source, "active");
    }

    [RootFact("/dev/loop-control", "losetup")]
    public void A_base_behind_a_loop_device_is_not_merged_into()
    {
        var image = KeepBase();
        Write("G2", Golden.ImageG2);
        using (LoopBack.Of(Temp["R"]))
        {
            Run("cowmerge", "-y", "R", "G2").MustComplain(1, "R", "in use");
            image.MustBeUnchanged();
        }
    }

    [RootFact("/dev/loop-control", "losetup", "mkfs.ext4", "fs:ext4")]
    public void A_mounted_block_device_is_not_merged_into()
    {
        Temp.MakeFile("disk", 8 << 20);
        RunScript("mkfs.ext4 -q disk");
        Write("G2", new CowImage { BlockCount = 8192 }.With(5000, 1, 0x41));
        using LoopBack loop = LoopBack.Of(Temp["disk"]);
        using var mount = Mount.Of(loop.Path, Temp["mnt"], "-o", "ro");
        Run("cowmerge", "-y", loop.Path, "G2").MustComplain(1, loop.Path, "in use");
    }

    [Fact]
    public void When_the_service_has_let_go_it_works()
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        using (Lock("G2", exclusive: true))
        {
            Run("cowmerge", "-y", "R", "G2").MustExitWith(1);
        }
        Run("cowmerge", "-y", "R", "G2").MustSucceed();
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
    }

    /// <summary>A merge that waits for its answer holds both files.</summary>
    [Fact]
    public void A_merge_keeps_others_away()
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        using var merge = Shell.Start(new ShellOptions { Directory = Temp.Path }, Repository.Program("cowmerge"), "R", "G2");
        char[] one = new char[1];
        Assert.Equal(1, Poll.UntilDone("the question is asked", merge.StandardOutput.ReadAsync(one, 0, 1)));
        Assert.Contains("in use", Run("cowmerge", "-y", "R", "G2").MustExitWith(1).Error, StringComparison.Ordinal);
        Assert.Contains("in use", Run("cowrepair", "-f", "G2").MustExitWith(1).Error, StringComparison.Ordinal);
        merge.StandardInput.Write("Y");
        merge.StandardInput.Close();
        Poll.UntilDone("the merge has ended", merge.WaitForExitAsync());
        Assert.Equal(0, merge.ExitCode);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
        Run("cowrepair", "-f", "G2").MustPrint("Number of corrections in bitmap: 0\n");
    }

    private PosixFile Lock(string name, bool exclusive)
    {
        Errno errno = exclusive ? PosixFile.TryOpenReadWrite(Temp[name], out PosixFile? file) : PosixFile.TryOpenRead(Temp[name], out file);
        Assert.Equal(Errno.None, errno);
        Assert.Equal(Errno.None, file!.TryLock(exclusive));
        return file;
    }

    private void MustBeInUse(string name, bool exclusive, string tool, params string[] arguments)
    {
        Action mustBeUnchanged = KeepAll();
        using (Lock(name, exclusive))
        {
            CommandResult result = Run(tool, arguments).MustComplain(1, "in use");
            Assert.True(result.Error.Contains(name, StringComparison.Ordinal) || result.Error.Contains("link", StringComparison.Ordinal), result.ToString());
        }
        mustBeUnchanged();
    }
}
