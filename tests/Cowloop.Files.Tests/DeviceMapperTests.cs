using System.Text.Json;

namespace Cowloop.Files.Tests;

/// <summary>cowloop import-dm and export-dm. The script lets the kernel have its say.</summary>
public class DeviceMapperTests : StackTest
{
    private const string Table = "0 2048 snapshot $ORIGIN $STORE P 8";

    /// <summary>Two boots of an emulated machine take their time when the real one is busy.</summary>
    private static readonly TimeSpan ScriptTime = TimeSpan.FromMinutes(8);

    private readonly byte[] _lowerView;
    private readonly byte[] _upperView;

    public DeviceMapperTests()
    {
        _lowerView = Make("lower.cow", [], (0, 1), (5, 2), (1023, 7));
        _upperView = Make("upper.cow", ["lower.cow"], (5, 3), (900, 4));
    }

    [NeedsFact("qemu-system-x86_64", "busybox", "cpio", "depmod", "xz", "apt-get", "dpkg-deb", "dmsetup", "losetup", "mkfs.ext4", "guest:kernel")]
    public void The_kernel_reads_what_is_exported_and_what_it_writes_is_imported()
    {
        var options = new ShellOptions
        {
            Environment = new Dictionary<string, string> { ["TMPDIR"] = Directory.CreateDirectory(Temp["script"]).FullName },
            TimeLimit = ScriptTime,
        };

        CommandResult result = Shell.Try(options, Path.Combine(Repository.Root, "tests/interop/dm-snapshot.sh")).MustSucceed();

        Assert.EndsWith("passed: tests/interop/dm-snapshot.sh\n", result.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp["script"]));
    }

    [Theory]
    [InlineData("4K")]
    [InlineData("16")]
    [InlineData("512K")]
    public void What_is_exported_is_imported_as_it_was(string chunk)
    {
        Run("cowloop", "export-dm", "R", "upper.cow", "store.dm", "--chunk", chunk).MustSucceed();
        Run("cowloop", "import-dm", "store.dm", "R", "new.cow").MustSucceed();

        Assert.Equal(_upperView, Flat("R", "new.cow"));
        Run("cowloop", "diff", "new.cow", "upper.cow").MustPrint("");
        Run("cowloop", "check", "--base", "R", "new.cow").MustSucceed();
        Assert.Equal(Fixtures.R, Read("R"));
    }

    [Fact]
    public void Plain_layers_are_named()
    {
        MakePlain("plain.cow", [], (3, 1));
        byte[] view = MakePlain("plain-2.cow", ["plain.cow"], (4, 2));

        Run("cowloop", "export-dm", "R", "--layer", "plain.cow", "plain-2.cow", "store.dm").MustSucceed();
        Run("cowloop", "import-dm", "store.dm", "R", "new.cow").MustSucceed();

        Assert.Equal(view, Flat("R", "new.cow"));
    }

    [Fact]
    public void What_they_print()
    {
        Run("cowloop", "export-dm", "R", "lower.cow", "my store").MustPrint($"""
            my store: 3 chunks (12.0 KiB) that differ from R. Activate it, as NAME:
              ORIGIN=$(losetup --find --show --read-only R)
              STORE=$(losetup --find --show 'my store')
              dmsetup create NAME --table "{Table}"

            """);
        Run("cowloop", "import-dm", "my store", "R", "new.cow")
            .MustPrint("new.cow: 3 blocks (3.0 KiB), of 3 chunks of 4.0 KiB; 9 blocks were equal to R and are left out\n");

        JsonElement exported = Json("export-dm", "R", "lower.cow", "store.dm");
        Assert.Equal((Temp["store.dm"], Table), (exported.GetProperty("path").GetString(), exported.GetProperty("table").GetString()));
        Assert.Equal((3, 4096, 2048), (Number(exported, "chunks"), Number(exported, "chunkBytes"), Number(exported, "sectors")));
        Assert.Equal(new FileInfo(Temp["store.dm"]).Length, Number(exported, "lengthBytes"));
        Assert.False(exported.GetProperty("canRunFull").GetBoolean());
        JsonElement imported = Json("import-dm", "store.dm", "R", "new-2.cow");
        Assert.Equal(Temp["new-2.cow"], imported.GetProperty("path").GetString());
        Assert.Equal((3, 3, 9), (Number(imported, "chunks"), Number(imported, "changedBlocks"), Number(imported, "equalBlocks")));
        Assert.False(imported.GetProperty("losesRest").GetBoolean());

        static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();
    }

    [Fact]
    public void A_rest_that_a_cowfile_does_not_reach_is_told()
    {
        Write("long", [.. Fixtures.R, .. new byte[512]]);
        Make("long.cow", "long", [], isPlain: false, (1023, 9));
        Run("cowloop", "export-dm", "long", "long.cow", "store.dm").MustSucceed();
        // The chunk behind the device: a new exception in the second place of the table, its content in the next chunk of the store.
        using (FileStream store = File.OpenWrite(Temp["store.dm"]))
        {
            store.Position = 4096 + 16;
            store.Write([.. BitConverter.GetBytes(256L), .. BitConverter.GetBytes(3L)]);
            store.Position = 3 * 4096;
            store.Write(Fixtures.Filled(4096, 1));
        }

        CommandResult result = Run("cowloop", "import-dm", "store.dm", "long", "new.cow").MustSucceed();

        Assert.Contains("warning: the last 512 bytes of long", result.Error, StringComparison.Ordinal);
        Run("cowloop", "diff", "new.cow", "long.cow").MustPrint("");
    }

    [Fact]
    public void What_cannot_be_imported_is_refused_and_nothing_is_made()
    {
        Run("cowloop", "export-dm", "R", "lower.cow", "store.dm").MustSucceed();
        Write("short", Fixtures.R[..4096]);
        Write("cut.dm", Read("store.dm")[..10_000]);
        Write("invalid.dm", [.. Read("store.dm")[..4], 0, .. Read("store.dm")[5..]]);
        Action mustBeUnchanged = KeepAll();

        Refused("no exception store", "R", "short");
        Refused("no exception store", "lower.cow", "R");
        Refused("is the base, too", "R", "R");
        Refused("the base ends at byte 4096", "store.dm", "short");
        Refused("is incomplete", "cut.dm", "R");
        Refused("marked invalid", "invalid.dm", "R");
        Refused("No such file", "missing", "R");
        Run("cowloop", "import-dm", "store.dm", "R", "lower.cow").MustComplain(2, "exists already");
        Run("cowloop", "import-dm", "store.dm", "R", "store.dm").MustComplain(2, "is the file to read from");

        mustBeUnchanged();

        void Refused(string reason, string store, string baseName) =>
            Run("cowloop", "import-dm", store, baseName, "new.cow").MustComplain(2, reason);
    }

    [Fact]
    public void What_cannot_be_exported_is_refused_and_nothing_is_made()
    {
        Write("other", [.. Fixtures.R.Select(value => (byte)(value + 1))]);
        Action mustBeUnchanged = KeepAll();

        Refused("has changed", "other", "lower.cow", "new.dm");
        Refused("exists already", "R", "lower.cow", "other");
        Refused("is the file to read from", "R", "lower.cow", "R", "--force");
        Refused("is the file to read from", "R", "upper.cow", "lower.cow", "--force");
        Refused("power of two", "R", "lower.cow", "new.dm", "--chunk", "12K");
        Refused("power of two", "R", "lower.cow", "new.dm", "--chunk", "2K");
        Refused("No such file", "R", "missing.cow", "new.dm");

        mustBeUnchanged();

        void Refused(string reason, params string[] arguments) => Run("cowloop", ["export-dm", .. arguments]).MustComplain(2, reason);
    }

    [Fact]
    public void A_file_is_replaced_when_that_is_wanted()
    {
        Write("store.dm", Fixtures.Filled(10_000_000, 0xEE));
        Run("cowloop", "export-dm", "R", "lower.cow", "store.dm", "--force").MustSucceed();
        Run("cowloop", "import-dm", "store.dm", "R", "new.cow").MustSucceed();
        Assert.Equal(_lowerView, Flat("R", "new.cow"));
    }

    [NeedsFact("create_compressed_fs")]
    public void A_compressed_base_is_no_origin()
    {
        RunScript("create_compressed_fs R R.cloop");
        Run("cowloop", "export-dm", "R.cloop", "lower.cow", "new.dm").MustComplain(2, "compressed image", "extract_compressed_fs R.cloop");
    }

    [RootFact("/dev/loop-control", "mkfs.ext4", "wipefs")]
    public void A_block_device_is_overwritten_only_when_it_is_blank_and_unused_or_that_is_wanted()
    {
        Write("disk", new byte[4 << 20]);
        using LoopBack loop = LoopBack.Of(Temp["disk"]);

        CommandResult result = Run("cowloop", "export-dm", "R", "lower.cow", loop.Path).MustSucceed();
        Assert.Contains($"--table \"0 2048 snapshot $ORIGIN {loop.Path} P 8\"", result.Output, StringComparison.Ordinal);
        Run("cowloop", "import-dm", loop.Path, "R", "new.cow").MustSucceed();
        Assert.Equal(_lowerView, Flat("R", "new.cow"));

        Run("cowloop", "export-dm", "R", "upper.cow", loop.Path).MustComplain(2, "is not blank", "--force");
        Run("cowloop", "export-dm", "R", "upper.cow", loop.Path, "--force").MustSucceed();
        Run("cowloop", "import-dm", loop.Path, "R", "new-2.cow").MustSucceed();
        Assert.Equal(_upperView, Flat("R", "new-2.cow"));
        // Through the loop device it can be changed.
        Run("cowloop", "import-dm", "disk", "R", "new-3.cow").MustComplain(2, "is in use", loop.Path);

        RunScript($"wipefs -qa {loop.Path}; mkfs.ext4 -qF {loop.Path}; mkdir mnt; mount {loop.Path} mnt");
        try
        {
            Run("cowloop", "export-dm", "R", "lower.cow", loop.Path, "--force").MustComplain(2, "is in use: mounted");
        }
        finally
        {
            RunScript("umount mnt");
        }
        RunScript($"fsck.ext4 -fn {loop.Path}");
    }

    [RootFact("/dev/loop-control")]
    public void A_block_device_without_room_for_everything_is_taken_and_that_is_told()
    {
        Write("disk", new byte[64 * 1024]);
        Write("small", new byte[16 * 1024]);
        using LoopBack loop = LoopBack.Of(Temp["disk"]);
        using LoopBack small = LoopBack.Of(Temp["small"]);

        CommandResult result = Run("cowloop", "export-dm", "R", "lower.cow", loop.Path).MustSucceed();
        Assert.Contains("warning", result.Error, StringComparison.Ordinal);
        Assert.Contains("room for 11 more chunks", result.Error, StringComparison.Ordinal);
        Run("cowloop", "export-dm", "R", "lower.cow", small.Path).MustComplain(2, "is too small", "20480");
        Assert.Equal(new byte[16 * 1024], File.ReadAllBytes(small.Path));
    }

    [RootFact("/dev/loop-control")]
    public void A_block_device_that_leads_to_what_is_read_is_refused()
    {
        using LoopBack loop = LoopBack.Of(Temp["R"]);
        using LoopBack cowfile = LoopBack.Of(Temp["lower.cow"]);
        Action mustBeUnchanged = KeepAll();

        Run("cowloop", "export-dm", "R", "lower.cow", loop.Path, "--force").MustComplain(2, "which would be lost");
        Run("cowloop", "export-dm", loop.Path, "lower.cow", loop.Path, "--force").MustComplain(2, "which would be lost");
        Run("cowloop", "export-dm", "R", "upper.cow", cowfile.Path, "--force").MustComplain(2, "which would be lost");

        mustBeUnchanged();
    }

    private JsonElement Json(params string[] arguments) => JsonDocument.Parse(Run("cowloop", [.. arguments, "--json"]).MustSucceed().Output).RootElement;
}
