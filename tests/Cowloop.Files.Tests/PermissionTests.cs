namespace Cowloop.Files.Tests;

/// <summary>What a user may not: the tools run as nobody on root's files.</summary>
public class PermissionTests(Nobody nobody) : ToolTest, IClassFixture<Nobody>
{
    [RootFact("setpriv")]
    public void T42_cowlist_needs_no_write_permission()
    {
        WriteFor("G2", Golden.G2(), "444");
        CommandResult result = AsNobody("cowlist", "G2").MustSucceed();
        Assert.StartsWith("\nInfo about cowfile G2:\n     state cowfile:     clean\n", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
    }

    [RootFact("setpriv")]
    public void Repair_in_fake_mode_needs_no_write_permission()
    {
        WriteFor("G3", Golden.ImageG3.ToBytes(), "444");
        AsNobody("cowrepair", "-n", "G3").MustPrint("Number of corrections in bitmap: 1 (not done due to flag -n)\n");
        AsNobody("cowrepair", "-fn", "G3").MustPrint("Number of corrections in bitmap: 1 (not done due to flag -n)\n");
    }

    [RootFact("setpriv")]
    public void Repair_needs_write_permission()
    {
        WriteFor("G3", Golden.ImageG3.ToBytes(), "444");
        var file = FileSnapshot.Of(Temp["G3"]);
        AsNobody("cowrepair", "G3").MustRefuse(1, "G3: Permission denied");
        file.MustBeUnchanged();
    }

    [RootFact("setpriv")]
    public void A_dry_run_of_a_merge_needs_no_write_permission()
    {
        WriteFor("R", Fixtures.R, "444");
        WriteFor("G2", Golden.G2(), "444");
        AsNobody("cowmerge", "--dry-run", "R", "G2").MustPrint("Number of blocks modified in R: 4 (not done due to --dry-run)\n");
    }

    [RootFact("setpriv")]
    public void A_merge_needs_write_permission_for_the_base_alone()
    {
        WriteFor("R", Fixtures.R, "444");
        WriteFor("G2", Golden.G2(), "444");
        AsNobody("cowmerge", "-y", "R", "G2").MustRefuse(1, $"{nobody.Program("cowmerge")} - can not open R: Permission denied");
        Assert.Equal(Golden.R, FileSnapshot.HashOf(Temp["R"]));

        RunScript("chown 65534 R; chmod 600 R");
        CommandResult result = AsNobody("cowmerge", "-y", "R", "G2").MustSucceed();
        Assert.EndsWith("Number of blocks modified in R: 4\n", result.Output, StringComparison.Ordinal);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
    }

    [RootTheory("setpriv")]
    [InlineData("G2: Permission denied", "cowlist", "G2")]
    [InlineData("G2: Permission denied", "cowrepair", "-f", "G2")]
    [InlineData("G2: Permission denied", "cowrepair", "-fn", "G2")]
    [InlineData("PROG - can not open G2: Permission denied", "cowmerge", "-y", "R", "G2")]
    [InlineData("PROG - can not open G2: Permission denied", "cowmerge", "--dry-run", "R", "G2")]
    [InlineData("Opening cowfile: Permission denied", "cowpack", "-p", "G2", "own/result")]
    [InlineData("Opening inputfile: Permission denied", "cowpack", "-u", "G2", "own/result")]
    [InlineData("Opening inputfile: Permission denied", "cowpack", "-zu", "G2", "own/result")]
    public void A_cowfile_that_may_not_be_read(string firstLine, string tool, params string[] arguments)
    {
        WriteFor("R", Fixtures.R, "666");
        WriteFor("G2", Golden.G2(), "600");
        RunScript("mkdir own; chown 65534 own");
        string program = nobody.Program(tool);
        CommandResult result = AsNobody(tool, arguments).MustRefuse(1, firstLine.Replace("PROG", program, StringComparison.Ordinal));
        Assert.Contains("G2", result.Error, StringComparison.Ordinal);
        Assert.Equal(Golden.R, FileSnapshot.HashOf(Temp["R"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp["own"]));
    }

    [RootTheory("setpriv")]
    [InlineData("cowlist", "closed/G2")]
    [InlineData("cowrepair", "-f", "closed/G2")]
    [InlineData("cowmerge", "-y", "R", "closed/G2")]
    [InlineData("cowpack", "-p", "closed/G2", "own/result")]
    [InlineData("cowpack", "-p", "G2", "closed/result")]
    [InlineData("cowpack", "-u", "G2p", "closed/result")]
    public void A_directory_that_may_not_be_entered(string tool, params string[] arguments)
    {
        WriteFor("R", Fixtures.R, "666");
        WriteFor("G2", Golden.G2(), "444");
        WriteFor("G2p", Golden.ImageG2.Packed(), "444");
        RunScript("mkdir own closed; chown 65534 own; cp G2 closed; chmod 700 closed");
        AsNobody(tool, arguments).MustComplain(1, "closed/", "Permission denied");
        Assert.Equal([Temp["closed/G2"]], Directory.EnumerateFileSystemEntries(Temp["closed"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp["own"]));
    }

    [RootTheory("setpriv")]
    [InlineData("-p", "G2", "Opening outputfile: Permission denied")]
    [InlineData("-zp", "G2", "Opening outputfile: Permission denied")]
    [InlineData("-u", "G2p", "Opening cowfile: Permission denied")]
    public void A_destination_directory_that_may_not_be_written(string option, string source, string firstLine)
    {
        WriteFor("G2", Golden.G2(), "444");
        WriteFor("G2p", Golden.ImageG2.Packed(), "444");
        RunScript("mkdir readable; chmod 755 readable");
        AsNobody("cowpack", option, source, "readable/result").MustRefuse(1, firstLine, "readable/result");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp["readable"]));
    }

    [RootFact("setpriv")]
    public void A_user_packs_and_unpacks_what_he_may_read()
    {
        WriteFor("G2", Golden.G2(), "444");
        RunScript("mkdir own; chown 65534 own");
        Assert.Equal("", AsNobody("cowpack", "-zp", "G2", "own/packed").MustSucceed().Error);
        Assert.Equal("", AsNobody("cowpack", "-zu", "own/packed", "own/again").MustSucceed().Error);
        Assert.Equal(Golden.G2Wide, FileSnapshot.HashOf(Temp["own/again"]));
        Assert.Equal("65534 600\n", RunScript("stat --format='%u %a' own/again").Output);
    }

    [RootFact("mount")]
    public void A_read_only_filesystem_is_enough_for_what_only_reads()
    {
        using var mount = Mount.Of("cowtest", Temp["ro"], "-t", "tmpfs", "-o", "size=4m");
        WriteBase("ro/R");
        Write("ro/G2", Golden.ImageG2);
        Write("ro/G3", Golden.ImageG3);
        Write("ro/G2p", Golden.ImageG2.Packed());
        Shell.Run("mount", "-o", "remount,ro", mount.Path);
        Run("cowlist", "ro/G2").MustSucceed();
        Run("cowrepair", "-n", "ro/G3").MustPrint("Number of corrections in bitmap: 1 (not done due to flag -n)\n");
        Run("cowmerge", "--dry-run", "ro/R", "ro/G2").MustPrint("Number of blocks modified in ro/R: 4 (not done due to --dry-run)\n");
        Run("cowpack", "-p", "ro/G2", "packed").MustPrint("");
        Run("cowpack", "-u", "ro/G2p", "again").MustPrint("");
        Assert.Equal(Golden.G2Wide, FileSnapshot.HashOf(Temp["again"]));

        Run("cowrepair", "ro/G3").MustRefuse(1, "ro/G3: Read-only file system");
        Run("cowmerge", "-y", "ro/R", "ro/G2").MustRefuse(1, $"{Repository.Program("cowmerge")} - can not open ro/R: Read-only file system");
        Run("cowpack", "-p", "ro/G2", "ro/packed").MustRefuse(1, "Opening outputfile: Read-only file system", "ro/packed");
    }

    private void WriteFor(string name, byte[] content, string mode)
    {
        Write(name, content);
        RunScript($"chmod 755 .; chmod {mode} {name}");
    }

    private CommandResult AsNobody(string tool, params string[] arguments) =>
        nobody.Try(new ShellOptions { Directory = Temp.Path }, tool, arguments);
}
