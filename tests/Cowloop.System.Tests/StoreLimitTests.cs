using System.Diagnostics;
using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Compact stores that may take only so much of their filesystem, and cowloop grow.</summary>
public class StoreLimitTests(CowService service, ITestOutputHelper output) : FullDiskTest(service, output)
{
    private const int MiB = 1024 * 1024;
    private const int PieceBytes = 4 * MiB;
    private const long Distance = 40L * MiB;

    private readonly List<byte[]> _written = [];

    [RootFact]
    public void A_store_is_full_at_its_limit_and_goes_on_when_that_is_raised_and_nothing_is_lost()
    {
        string image = LargeBase();
        CowDisk disk = AttachLimited(image, "64M", "--on-full", "error");
        CommandResult full = WriteUntilFull(disk);
        Assert.Contains("No space left on device", full.Error, StringComparison.Ordinal);
        Assert.InRange(_written.Count, 64 / 4 - 2, 64 / 4);
        Assert.InRange(new FileInfo(disk.Cowfile).Length, 0, 64 * MiB);
        MustHoldAll(disk);
        Poll.Until("the list shows that it is full", () => ListedState(disk) == "full");
        JsonElement space = Space(disk);
        Assert.InRange(space.GetProperty("totalKiB").GetInt64(), 63 * 1024, 64 * 1024);
        // Less than the request that failed, of which nothing is left.
        Assert.InRange(space.GetProperty("availableKiB").GetInt64(), 0, 1024);
        // What is there can be changed.
        Overwrite(disk, 3);

        Assert.StartsWith(
            $"{disk.Cowfile} of {disk.Path} takes at most 96.0 MiB, before 64.0 MiB; ",
            Service.Cowloop("grow", disk.Path, "+32M").MustSucceed().Output,
            StringComparison.Ordinal);
        for (int more = 0; more < 4; more++)
        {
            Write(disk);
        }
        Poll.Until("it is not full any more", () => ListedState(disk) != "full");
        MustHoldAll(disk);

        Service.Kill();
        Service.StartService();
        MustHoldAll(disk);
        // The cowfile stands for its device.
        JsonElement grown = JsonDocument.Parse(Service.Cowloop("grow", disk.Cowfile, "none", "--json").MustSucceed().Output).RootElement;
        Assert.Equal((disk.Path, 96L * MiB), (grown.GetProperty("device").GetString(), grown.GetProperty("formerBytes").GetInt64()));
        for (int more = 0; more < 10; more++)
        {
            Write(disk);
        }
        MustHoldAll(disk);
        MustRefuse(Service.Cowloop("grow", disk.Path, "64M"), "is too small for compact store", "K or more");
        Service.Detach(disk);
        Service.Cowloop("check", disk.Cowfile, "--base", image).MustSucceed();

        // Not in use, and in use again.
        Service.Cowloop("grow", disk.Cowfile, "1G").MustSucceed();
        CommandResult attached = Service.Cowloop("attach", image, disk.Cowfile, "--store-size", "2G").MustSucceed();
        Assert.Contains("its limit of 1.0 GiB stays", attached.Error, StringComparison.Ordinal);
        MustHoldAll(disk);
        Service.Detach(disk);
    }

    [RootFact]
    public void A_change_that_waits_goes_on_when_the_limit_is_raised()
    {
        CowDisk disk = AttachLimited(LargeBase(), "8M", "--on-full", "wait");
        Write(disk);
        using Process writer = StartWrite(disk, Data.RandomFile(Temp["bytes"], 1, 2 * PieceBytes), Distance);
        MustWait(disk);
        Assert.Equal("full", ListedState(disk));
        MustHoldAll(disk);

        Service.Cowloop("grow", disk.Path, "32M").MustSucceed();

        Poll.Until("the writer has ended", () => writer.HasExited);
        Assert.Equal(0, writer.ExitCode);
        Assert.Equal(File.ReadAllBytes(Temp["bytes"]), BlockIo.Read(disk.Path, Distance, 2 * PieceBytes));
        Poll.Until("it is not full any more", () => ListedState(disk) != "full" && Waiting(disk) == 0);
        MustHoldAll(disk);
        Service.Detach(disk);
    }

    [RootFact("blkdiscard")]
    public void What_is_discarded_makes_room_below_the_limit()
    {
        CowDisk disk = AttachLimited(LargeBase(), "16M", "--on-full", "error");
        WriteUntilFull(disk);
        Shell.Run("blkdiscard", "--offset", "0", "--length", $"{PieceBytes}", disk.Path);
        Array.Clear(_written[0]);

        Write(disk);

        MustHoldAll(disk);
        Service.Detach(disk);
    }

    [RootFact]
    public void Snapshot_and_rollback_keep_the_limit()
    {
        CowDisk disk = AttachLimited(NumbersBase(), "3M");
        Service.Cowloop("snapshot", disk.Path, Temp["top.cow"]).MustSucceed();
        Assert.Equal(3 * MiB, LimitOf(Temp["top.cow"]));
        Service.Cowloop("grow", disk.Path, "5M").MustSucceed();
        // The layer below is as it was.
        Assert.Equal(3 * MiB, LimitOf(disk.Cowfile));
        Service.Cowloop("rollback", disk.Path).MustSucceed();
        Assert.Equal(5 * MiB, LimitOf(Temp["top.cow"]));
        MustRefuse(Service.Cowloop("grow", disk.Cowfile, "5M"), "is in use: it is the layer of");
        Service.Detach(disk);
    }

    [RootFact("losetup", "wipefs")]
    public void What_has_no_limit_is_refused_with_what_to_do()
    {
        string image = NumbersBase();
        CowDisk classic = Service.Attach(image, Temp["classic.cow"]);
        MustRefuse(Service.Cowloop("grow", classic.Path, "1G"), "is a classic one", "make space there");
        MustRefuse(Service.Cowloop("grow", classic.Path), "is a classic one");
        MustRefuse(Service.Cowloop("grow", Service.Node(7), "1G"), "7");
        Service.Detach(classic);
        MustRefuse(Service.Cowloop("grow", classic.Cowfile, "1G"), "is a classic one");

        using LoopBack loop = LoopBack.Of(Images.Allocate(Temp["volume"], 8));
        MustRefuse(Service.Cowloop("create", image, loop.Path, "--store-size", "4M"), "is a block device", "leave --store-size out");
        MustRefuse(Service.Cowloop("grow", loop.Path), "is not a regular file");
        Service.Cowloop("create", image, loop.Path).MustSucceed();
        Assert.StartsWith($"{loop.Path} has 8.0 MiB, as before; ", Service.Cowloop("grow", loop.Path).MustSucceed().Output, StringComparison.Ordinal);
        MustRefuse(Service.Cowloop("attach", image, Temp["x.cow"], "--store", "classic", "--store-size", "4M"), "a classic cowfile has no limit");
        MustRefuse(Service.Cowloop("attach", image, Temp["x.cow"], "--store-size", "8K"), "is too small for compact store");
        Assert.False(File.Exists(Temp["x.cow"]));
    }

    private string LargeBase()
    {
        string image = Temp["image"];
        using (FileStream file = new(image, FileMode.CreateNew))
        {
            file.SetLength(1280L * MiB);
        }
        return Base(image);
    }

    private CowDisk AttachLimited(string image, string limit, params string[] options)
    {
        string cowfile = Temp["my.cow"];
        return new(Service.Cowloop(["attach", image, cowfile, "--store", "compact", "--store-size", limit, .. options]).MustSucceed().Line, image, cowfile);
    }

    private CommandResult WriteUntilFull(CowDisk disk)
    {
        while (true)
        {
            byte[] bytes = Data.Random(_written.Count, PieceBytes);
            CommandResult result = BlockIo.TryWrite(disk.Path, _written.Count * Distance, bytes);
            if (result.ExitCode != 0)
            {
                return result;
            }
            _written.Add(bytes);
        }
    }

    private void Write(CowDisk disk)
    {
        _written.Add(Data.Random(_written.Count, PieceBytes));
        BlockIo.Write(disk.Path, (_written.Count - 1) * Distance, _written[^1]);
    }

    private void Overwrite(CowDisk disk, int piece)
    {
        _written[piece] = Data.Random(99, PieceBytes);
        BlockIo.Write(disk.Path, piece * Distance, _written[piece]);
    }

    private void MustHoldAll(CowDisk disk)
    {
        for (int piece = 0; piece < _written.Count; piece++)
        {
            byte[] found = BlockIo.Read(disk.Path, piece * Distance, PieceBytes);
            Assert.True(_written[piece].AsSpan().SequenceEqual(found), $"piece {piece} is not what was written");
        }
    }

    private long LimitOf(string cowfile) => JsonDocument.Parse(Service.Cowloop("info", "--json", cowfile).MustSucceed().Output)
        .RootElement.GetProperty("store").GetProperty("limitBytes").GetInt64();

    private static void MustRefuse(CommandResult result, params string[] reasons)
    {
        Assert.Equal(2, result.ExitCode);
        Assert.All(reasons, reason => Assert.Contains(reason, result.Error, StringComparison.Ordinal));
    }
}
