using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tests.Support;
using Cowloop.Tools.Applets;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Tests.Applets;

/// <summary>cowpack: what it says and answers (specification 5.8).</summary>
public sealed class CowpackTests : IDisposable
{
    private const string Usage = """
        Usage: cowpack [-z] <-p | -u> <source> <dest>
         where: -z indicates GZipped input (with -u) or output (with -p)
                -p indicates packing source (a cow file) to dest
                -u indicates unpacking source to dest (a cow file)
        NOTE: -p and -u are mutually exclusive

        """;

    private readonly WorkDirectory _directory = new();

    public CowpackTests()
    {
        _directory.Write("G2", Golden.G2());
        _directory.Write("plain", Golden.ImageG2.Packed());
        Compress("gzip", PackedEncoding.Gzip, Golden.ImageG2.PackedStream());
        Compress("zstd", PackedEncoding.Zstd, Golden.ImageG2.PackedStream());
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("-p", "-u")]
    [InlineData("-zp", "-zu")]
    [InlineData("-pz", "-uz")]
    [InlineData("--zstd -p", "--zstd -u")]
    [InlineData("-p --zstd", "-u --zstd")]
    public void T60_T61_what_was_packed_is_unpacked_in_silence(string packing, string unpacking)
    {
        Run([.. packing.Split(' '), _directory["G2"], _directory["packed"]]).MustSucceed().MustBeForPeople(lineCount: 1);
        CommandResult result = Run([.. unpacking.Split(' '), _directory["packed"], _directory["again"]]).MustSucceed();

        Assert.Equal(("", ""), (result.Output, result.Error));
        Assert.Equal(Golden.G2(), _directory.Read("again"));
    }

    [Fact]
    public void Options_may_stand_behind_operands_and_more_operands_are_ignored()
    {
        Run("-z", _directory["G2"], "-p", _directory["packed"], "more").MustSucceed();

        Assert.Equal(_directory.Read("gzip"), _directory.Read("packed"));
    }

    [Fact]
    public void Names_may_look_like_options()
    {
        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = _directory.Path;
        try
        {
            Run("-p", "--", "G2", "-u").MustSucceed();
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
        Assert.Equal(_directory.Read("plain"), _directory.Read("-u"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-z")]
    [InlineData("a b")]
    [InlineData("-p -u a b")]
    [InlineData("-pu a b")]
    [InlineData("-p -p a b")]
    public void Without_one_direction_the_usage_is_shown(string arguments)
    {
        CommandResult result = Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).MustExitWith(1);

        Assert.Equal(("", Usage), (result.Output, result.Error));
    }

    [Theory]
    [InlineData("-x", "cowpack: invalid option -- 'x'\n")]
    [InlineData("-pux", "cowpack: invalid option -- 'x'\n")]
    [InlineData("--gzip", "cowpack: unrecognized option '--gzip'\n")]
    [InlineData("-zp --zstd", "cowpack: -z and --zstd exclude each other\n")]
    public void A_wrong_option_is_named_before_the_usage(string option, string line)
    {
        CommandResult result = Run([.. option.Split(' '), "a", "b"]).MustExitWith(1);

        Assert.Equal(("", line + Usage), (result.Output, result.Error));
    }

    [Fact]
    public void Help_has_an_example()
    {
        CommandResult result = Run("--help").MustSucceed();

        Assert.StartsWith(Usage, result.Output, StringComparison.Ordinal);
        Assert.Contains("cowpack -zp my.cow my.cow.gz", result.Output, StringComparison.Ordinal);
        Assert.Contains("--zstd", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_is_the_projects() => Assert.Equal($"cowpack {ProgramVersion.Text}\n", Run("--version").MustSucceed().Output);

    [Fact]
    public void Missing_operands_have_the_originals_text()
    {
        Run("-p").MustRefuse(1, "Opening cowfile: Bad address", "source and dest are missing");
        Run("-p", _directory["G2"]).MustRefuse(1, "Opening outputfile: Bad address", "dest is missing");
        Run("-p", _directory["none"]).MustRefuse(1, "Opening cowfile: No such file or directory");
        Run("-u").MustRefuse(1, "Opening inputfile: Bad address", "source and dest are missing");
        Run("-u", _directory["plain"]).MustRefuse(1, "Opening cowfile: Bad address", "dest is missing");
        Run("-zu", _directory["none"]).MustRefuse(1, "Opening inputfile: No such file or directory");
    }

    [Theory]
    [InlineData("-p", "none", "dest", "Opening cowfile: No such file or directory")]
    [InlineData("-p", ".", "dest", "Opening cowfile: Is a directory")]
    [InlineData("-p", "G2", "none/dest", "Opening outputfile: No such file or directory")]
    [InlineData("-p", "G2", ".", "Opening outputfile: Is a directory")]
    [InlineData("-p", "G2", "G2", "Opening outputfile: Invalid argument")]
    [InlineData("-u", "none", "dest", "Opening inputfile: No such file or directory")]
    [InlineData("-u", "plain", "none/dest", "Opening cowfile: No such file or directory")]
    [InlineData("-u", "plain", "plain", "Opening cowfile: Invalid argument")]
    [InlineData("-zu", "gzip", "/dev/null", "Opening cowfile: Invalid argument")]
    public void What_cannot_be_opened_is_told(string option, string source, string destination, string firstLine) =>
        MustRefuse(firstLine, option, source, destination);

    [Fact]
    public void A_cowfile_in_use_is_refused()
    {
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(_directory["G2"], out PosixFile? user));
        using (user)
        {
            Assert.Equal(Errno.None, user!.TryLock(exclusive: true));

            MustRefuse("Opening cowfile: Device or resource busy", "-p", "G2", "dest");
            MustRefuse("Opening cowfile: Device or resource busy", "-u", "plain", "G2");
        }
    }

    [Theory]
    [InlineData("-p", "gzip", "Not a valid cowfile (wrong magic)", "it is compressed with gzip")]
    [InlineData("-u", "gzip", "Not a valid cowfile (wrong magic)", "cowpack -zu ")] // T64
    [InlineData("-u", "zstd", "Not a valid cowfile (wrong magic)", "cowpack --zstd -u ")]
    [InlineData("-zu", "zstd", "Not a valid cowfile (wrong magic)", "cowpack --zstd -u ")]
    [InlineData("-zu", "plain", "Cowfile is packed in another encoding", "cowpack -u ")] // T65
    [InlineData("-u", "G2", "Cowfile is not packed", "it needs no unpacking")]
    [InlineData("-zu", "G2", "Cowfile is not packed", "it needs no unpacking")]
    [InlineData("-p", "plain", "Cowfile is packed", "cowpack -u ")]
    public void T64_T65_the_wrong_kind_of_input_is_refused(string option, string source, string firstLine, string reason) =>
        MustRefuse(firstLine, option, source, "dest", reason);

    [Theory]
    [InlineData("-p", "plain")]
    [InlineData("-u", "G2")]
    [InlineData("-u", "gzip")]
    public void The_wrong_kind_of_input_changes_nothing_at_all(string option, string source)
    {
        _directory.Write("dest", [9]);
        DirectorySnapshot before = DirectorySnapshot.Of(_directory.Path);

        Run(option, _directory[source], _directory["dest"]).MustExitWith(1);

        before.MustBeUnchanged();
    }

    [Fact]
    public void T63_a_dirty_cowfile_is_refused()
    {
        _directory.Write("G3", Golden.ImageG3.ToBytes());

        MustRefuse("Cowfile is dirty", "-p", "G3", "dest", "run: cowrepair ");
    }

    [Fact]
    public void Other_defects_have_their_own_lines()
    {
        _directory.Write("version", (Golden.ImageG2 with { Version = 3 }).ToBytes());
        _directory.Write("count", (Golden.ImageG2 with { WrongUsedBlocks = 5 }).ToBytes());
        _directory.Write("bitmap", Golden.G2()[..2000]);
        _directory.Write("header", Golden.G2()[..20]);
        _directory.Write("blocks", Golden.G2()[..9000]);

        MustRefuse("Version of cowfile not supported", "-p", "version", "dest", "has header version 3");
        MustRefuse("Cowfile is damaged", "-p", "count", "dest", "cowrepair -f ");
        MustRefuse("Reading bitmap: Success", "-p", "bitmap", "dest", "is incomplete");
        MustRefuse("Reading cowheader: Success", "-p", "header", "dest", "too short to be a cowfile");
        MustRefuse("Copying data: Success", "-p", "blocks", "dest", "is incomplete");
    }

    [Fact]
    public void T68_a_packed_file_that_is_cut_is_refused()
    {
        _directory.Write("cut", _directory.Read("plain")[..6000]);

        MustRefuse("Copying data: Success", "-u", "cut", "dest", "6000 bytes, but its last block ends at byte 8192");
    }

    [Theory]
    [InlineData(1, "Copying data : <fd:3>: unexpected end of file")]
    [InlineData(8, "Copying data : <fd:3>: unexpected end of file")]
    [InlineData(76, "Reading cowheader : <fd:3>: unexpected end of file")]
    public void T68_a_gzip_stream_that_is_cut_is_refused(int missingBytes, string firstLine)
    {
        _directory.Write("cut", _directory.Read("gzip")[..^missingBytes]);

        MustRefuse(firstLine, "-zu", "cut", "dest", "cannot be decompressed");
    }

    [Fact]
    public void Gzip_data_that_is_damaged_has_zlibs_text()
    {
        byte[] damaged = _directory.Read("gzip");
        damaged[^6] ^= 1;
        _directory.Write("damaged", damaged);
        Compress("short", PackedEncoding.Gzip, Golden.ImageG2.PackedStream()[..5000]);
        Compress("shorter", PackedEncoding.Gzip, Golden.ImageG2.PackedStream()[..500]);
        _directory.Write("empty", []);

        MustRefuse("Copying data : <fd:3>: incorrect data check", "-zu", "damaged", "dest");
        MustRefuse("Copying data : ", "-zu", "short", "dest", "is incomplete");
        MustRefuse("Reading bitmap : ", "-zu", "shorter", "dest", "is incomplete");
        MustRefuse("Reading cowheader : ", "-zu", "empty", "dest", "is incomplete");
    }

    [Fact]
    public void T67_a_longer_destination_leaves_nothing_behind()
    {
        _directory.Write("dest", Fixtures.Filled(300_000, 0x99));

        Run("-u", _directory["plain"], _directory["dest"]).MustSucceed();

        Assert.Equal(Golden.G2(), _directory.Read("dest"));
    }

    [RootTheory]
    [InlineData("-p", "source")]
    [InlineData("-zp", "source")]
    [InlineData("--zstd -p", "source")]
    [InlineData("-u", "packed")]
    [InlineData("-zu", "packed.gz")]
    public void T66_a_full_filesystem_is_told_and_nothing_is_left(string options, string source)
    {
        CowImage image = new CowImage().With(0, 200, 1) with { Data = RandomBlocks(200) };
        _directory.Write("source", image.ToBytes());
        _directory.Write("packed", image.Packed());
        Compress("packed.gz", PackedEncoding.Gzip, image.PackedStream());
        using Mount small = Mount.Of("tmpfs", _directory["small"], "-t", "tmpfs", "-o", "size=64k");
        File.WriteAllBytes(small["kept"], [9]);

        Run([.. options.Split(' '), _directory[source], small["dest"]]).MustRefuse(1, "Copying data: No space left on device", small["dest"], "free some space");
        Run([.. options.Split(' '), _directory[source], small["kept"]]).MustRefuse(1, "Copying data: No space left on device");

        Assert.Equal([small["kept"]], Directory.EnumerateFileSystemEntries(small.Path));
        Assert.Equal([9], File.ReadAllBytes(small["kept"]));
    }

    private static System.Collections.Immutable.ImmutableSortedDictionary<long, byte[]> RandomBlocks(int count)
    {
        var random = new Random(66);
        return new CowImage().Data.SetItems(Enumerable.Range(0, count).Select(block =>
            KeyValuePair.Create((long)block, Fixtures.RandomBytes(random, CowImage.BlockSize))));
    }

    private static CommandResult Run(params string[] arguments) =>
        Captured.Run($"cowpack {string.Join(' ', arguments)}", () => Cowpack.Run("cowpack", arguments));

    /// <summary>Exit code 1, two lines, and nothing was made.</summary>
    private void MustRefuse(string firstLine, string option, string source, string destination, params string[] reasons)
    {
        string[] before = [.. _directory.Names];
        Run(option, _directory[source], _directory[destination]).MustRefuse(1, firstLine, reasons);
        Assert.Equal(before, _directory.Names);
    }

    private void Compress(string name, PackedEncoding encoding, byte[] content)
    {
        using Stream stream = PackedStreams.Compress(encoding, new CheckedStream(_directory.Open(name)));
        stream.Write(content);
    }
}
