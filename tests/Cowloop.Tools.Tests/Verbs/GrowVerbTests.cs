using System.Text.Json;
using Cowloop.Control;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

/// <summary>cowloop grow of cowfiles that are not in use, and the options that set a limit.</summary>
public sealed class GrowVerbTests : IDisposable
{
    private readonly WorkDirectory _directory = new();

    public GrowVerbTests() => _directory.Write("disk.img", new byte[1 << 20]);

    private string Cowfile => _directory["my.cow"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_limit_is_changed_and_told()
    {
        string made = Make("--store-size", "2M").MustSucceed().Output;
        Assert.Contains("compact, chunks of 64.0 KiB, at most 2.0 MiB", made, StringComparison.Ordinal);
        Assert.Contains("compact, chunks of 64.0 KiB, at most 2.0 MiB, 0 chunks in use, 31 free\n", Cowloop("info", Cowfile).MustSucceed().Output, StringComparison.Ordinal);

        Assert.Equal($"{Cowfile} takes at most 3.0 MiB, before 2.0 MiB; 2.9 MiB available for changes\n", Grow("+1M").MustSucceed().Output);
        Assert.Equal($"{Cowfile} takes at most 3.0 MiB, as before; 2.9 MiB available for changes\n", Grow("3072").MustSucceed().Output);
        Assert.StartsWith($"{Cowfile} takes what its filesystem has, before 3.0 MiB; ", Grow("none").MustSucceed().Output, StringComparison.Ordinal);
        GrowReply reply = JsonSerializer.Deserialize(Grow("1G", "--json").MustSucceed().Output, ControlJson.Default.GrowReply)!;

        Assert.Equal((Cowfile, null, false, null, 1L << 30), (reply.CowfilePath, reply.Device, reply.OnDevice, reply.FormerBytes, reply.LimitBytes));
        Assert.Contains("at most 1.0 GiB, 0 chunks in use, 16379 free\n", Cowloop("info", Cowfile).MustSucceed().Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("say what its limit is to be", "cowloop grow")]
    [InlineData("a limit of 10 KiB is too small", "K or more", "10K")]
    public void What_can_not_be_is_refused_in_one_line(string reason, string hint, params string[] size)
    {
        Make("--store-size", "2M").MustSucceed();

        CommandResult refused = Grow(size).MustExitWith(2).MustBeForPeople(lineCount: 1);

        Assert.Contains(reason, refused.Error, StringComparison.Ordinal);
        Assert.Contains(hint, refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_classic_cowfile_has_no_limit()
    {
        Make("--store", "classic").MustSucceed();
        byte[] before = _directory.Read("my.cow");

        Assert.Contains("is a classic one", Grow("4G").MustExitWith(2).MustBeForPeople(lineCount: 1).Error, StringComparison.Ordinal);

        Assert.Equal(before, _directory.Read("my.cow"));
    }

    [Theory]
    [InlineData("a classic cowfile has no limit", "--store", "classic", "--store-size", "2M")]
    [InlineData("a store of 0 bytes", "--store-size", "0")]
    [InlineData("is too small for compact store", "--store-size", "64K")]
    [InlineData("nothing that the original knows", "--plain", "--store-size", "2M")]
    public void A_limit_that_can_not_be_is_refused_when_it_is_made(string reason, params string[] options)
    {
        Assert.Contains(reason, Make(options).MustExitWith(2).MustBeForPeople(lineCount: 1).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Cowfile));
    }

    [Fact]
    public void A_copy_has_the_limit_that_is_asked_for()
    {
        Make("--store-size", "2M").MustSucceed();

        Assert.Contains("at most 4.0 MiB", Cowloop("convert", Cowfile, _directory["copy"], "--store-size", "4M").MustSucceed().Output, StringComparison.Ordinal);
        Assert.DoesNotContain("at most", Cowloop("convert", Cowfile, _directory["other"], "--store", "compact").MustSucceed().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_device_is_told_with_its_size() => Assert.Equal(
        "/dev/sdb of /dev/cow/0 has 320.0 MiB, before 256.0 MiB; 64.0 MiB available for changes",
        GrowVerb.Describe(new GrowReply("/dev/sdb", "/dev/cow/0", OnDevice: true, 256 << 20, 320 << 20, new CowfileSpace(320 << 10, 64 << 10))));

    private CommandResult Make(params string[] options) => Cowloop(["create", _directory["disk.img"], Cowfile, .. options]);

    private CommandResult Grow(params string[] size) => Cowloop(["grow", Cowfile, .. size]);

    private static CommandResult Cowloop(params string[] arguments) => Captured.Run("", () => CowloopFront.Run(arguments));
}
