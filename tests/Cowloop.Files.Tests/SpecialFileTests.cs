namespace Cowloop.Files.Tests;

/// <summary>What is no regular file where one is expected: refused by name, without waiting, and it is still there afterwards.</summary>
public class SpecialFileTests : ToolTest
{
    [Theory]
    [InlineData("cowlist")]
    [InlineData("cowrepair", "-f")]
    [InlineData("cowrepair", "-fn")]
    public void A_directory_is_no_cowfile(string tool, params string[] options)
    {
        Directory.CreateDirectory(Temp["dir"]);
        Run(tool, [.. options, "dir"]).MustRefuse(1, "dir: Is a directory");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp["dir"]));
    }

    [Fact]
    public void A_directory_is_neither_base_nor_cowfile_of_a_merge()
    {
        Directory.CreateDirectory(Temp["dir"]);
        var image = KeepBase();
        Write("G2", Golden.ImageG2);
        string program = Repository.Program("cowmerge");
        Run("cowmerge", "-y", "R", "dir").MustRefuse(1, $"{program} - can not open dir: Is a directory");
        Run("cowmerge", "-y", "dir", "G2").MustRefuse(1, $"{program} - can not open dir: Is a directory");
        image.MustBeUnchanged();
    }

    [Theory]
    [InlineData("-p")]
    [InlineData("-zp")]
    [InlineData("-u")]
    [InlineData("-zu")]
    public void A_directory_is_neither_source_nor_destination(string option)
    {
        Directory.CreateDirectory(Temp["dir"]);
        WriteSources();
        string[] names = [.. Names];
        Run("cowpack", option, "dir", "result").MustComplain(1, "dir", "Is a directory");
        Run("cowpack", option, SourceFor(option), "dir").MustComplain(1, "dir", "Is a directory");
        Assert.Equal(names, Names);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp["dir"]));
    }

    [NeedsTheory("mkfifo")]
    [InlineData("cowlist", "fifo")]
    [InlineData("cowrepair", "-f", "fifo")]
    [InlineData("cowrepair", "-fn", "fifo")]
    [InlineData("cowmerge", "-y", "R", "fifo")]
    [InlineData("cowmerge", "-y", "fifo", "G2")]
    [InlineData("cowmerge", "--dry-run", "fifo", "G2")]
    [InlineData("cowpack", "-p", "fifo", "result")]
    [InlineData("cowpack", "-p", "G2", "fifo")]
    [InlineData("cowpack", "-zp", "G2", "fifo")]
    [InlineData("cowpack", "-u", "G2p", "fifo")]
    [InlineData("cowpack", "-zu", "G2.gz", "fifo")]
    public void A_pipe_that_nobody_else_has_open(string tool, params string[] arguments)
    {
        WriteSources();
        RunScript("mkfifo fifo");
        string[] names = [.. Names];
        Run(tool, arguments).MustComplain(1, "fifo");
        Assert.Equal(names, Names);
        RunScript("test -p fifo");
    }

    [Theory]
    [InlineData("cowlist", "/dev/null")]
    [InlineData("cowrepair", "-fn", "/dev/null")]
    [InlineData("cowmerge", "-y", "R", "/dev/null")]
    [InlineData("cowmerge", "--dry-run", "/dev/null", "G2")]
    [InlineData("cowpack", "-p", "/dev/null", "result")]
    [InlineData("cowpack", "-u", "/dev/null", "result")]
    [InlineData("cowpack", "-zu", "/dev/null", "result")]
    public void Dev_null_is_no_file_to_read(string tool, params string[] arguments)
    {
        WriteSources();
        string[] names = [.. Names];
        Run(tool, arguments).MustComplain(1, "/dev/null");
        Assert.Equal(names, Names);
    }

    /// <summary>A node of the test's own: what a rename would put in its place must not be the system's.</summary>
    [RootTheory("mknod")]
    [InlineData("cowpack", "-p", "G2", "null")]
    [InlineData("cowpack", "-zp", "G2", "null")]
    [InlineData("cowpack", "-u", "G2p", "null")]
    [InlineData("cowrepair", "-f", "null")]
    [InlineData("cowmerge", "-y", "null", "G2")]
    public void A_character_device_is_not_replaced(string tool, params string[] arguments)
    {
        WriteSources();
        RunScript("mknod null c 1 3");
        string[] names = [.. Names];
        Run(tool, arguments).MustComplain(1, "null");
        Assert.Equal(names, Names);
        RunScript("test -c null");
    }

    [Fact]
    public void An_empty_name_is_no_file()
    {
        Write("G2", Golden.ImageG2);
        Run("cowlist", "").MustComplain(1, "No such file or directory");
        Run("cowpack", "-p", "G2", "").MustComplain(1, "No such file or directory");
        Assert.Equal(["G2"], Names);
    }

    [Fact]
    public void A_loop_of_links_is_no_file()
    {
        RunScript("ln -s loop loop");
        Run("cowlist", "loop").MustComplain(1, "loop");
        Run("cowrepair", "-f", "loop").MustComplain(1, "loop");
        Assert.Equal(["loop"], Names);
    }

    [Fact]
    public void Links_are_followed_to_the_files()
    {
        WriteBase("image");
        Write("changes", Golden.ImageG2);
        Write("crashed", Golden.ImageG3);
        RunScript("ln -s image R; ln -s changes G2; ln -s crashed G3");
        Run("cowlist", "G2").MustSucceed();
        Run("cowrepair", "G3").MustSucceed();
        Assert.Equal(Golden.G3RepairedWide, FileSnapshot.HashOf(Temp["crashed"]));
        Run("cowpack", "-p", "G2", "packed").MustPrint("");
        Assert.Equal(Golden.G2PackedWide, FileSnapshot.HashOf(Temp["packed"]));
        Run("cowmerge", "-y", "R", "G2").MustSucceed();
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["image"]));
        Assert.All(["R", "G2", "G3"], name => Assert.NotNull(new FileInfo(Temp[name]).LinkTarget));
    }

    [Theory]
    [InlineData("existing")]
    [InlineData("missing")]
    public void A_link_as_destination_stays_one_and_leads_to_the_result(string target)
    {
        Write("G2", Golden.ImageG2);
        Write("existing", Noise(1, 20000));
        RunScript($"ln -s {target} link");
        Run("cowpack", "-p", "G2", "link").MustPrint("");
        Assert.Equal(target, new FileInfo(Temp["link"]).LinkTarget);
        Assert.Equal(Golden.G2PackedWide, FileSnapshot.HashOf(Temp[target]));
    }

    private static string SourceFor(string option) => option switch
    {
        "-u" => "G2p",
        "-zu" => "G2.gz",
        _ => "G2",
    };

    private void WriteSources()
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        Write("G2p", Golden.ImageG2.Packed());
        Write("G2.gz", Gzip(Golden.ImageG2.PackedStream()));
    }
}
