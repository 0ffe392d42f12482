using System.Text.Json;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

/// <summary>cowloop pack and cowloop unpack.</summary>
public sealed class PackVerbTests : IDisposable
{
    private readonly WorkDirectory _directory = new();

    public PackVerbTests() => _directory.Write("G2", Golden.G2());

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("", "plain")]
    [InlineData("--gzip", "gzip")]
    [InlineData("--zstd", "zstd")]
    public void What_was_packed_is_unpacked_without_naming_the_encoding(string option, string encoding)
    {
        JsonElement packed = Json("pack", _directory["G2"], _directory["packed"], "--json", option);
        JsonElement unpacked = Json("unpack", _directory["packed"], _directory["again"], "--json");

        long packedBytes = new FileInfo(_directory["packed"]).Length;
        AssertReport(packed, "G2", "packed", encoding, 108544, packedBytes);
        AssertReport(unpacked, "packed", "again", encoding, packedBytes, 108544);
        Assert.Equal(Golden.G2(), _directory.Read("again"));
    }

    [Fact]
    public void An_unpadded_stream_is_recognised()
    {
        _directory.Write("stream", Golden.ImageG2.PackedStream());

        JsonElement unpacked = Json("unpack", _directory["stream"], _directory["again"], "--json");

        AssertReport(unpacked, "stream", "again", "unpadded", 5176, 108544);
        Assert.Equal(Golden.G2(), _directory.Read("again"));
    }

    [Fact]
    public void People_get_one_line() => Assert.Equal(
        $"{_directory["packed"]}: 4 blocks, 4.0 KiB; 106.0 KiB became 8.0 KiB\n",
        Cowloop("pack", _directory["G2"], _directory["packed"]).MustSucceed().Output);

    [Fact]
    public void A_destination_is_replaced_only_by_force()
    {
        _directory.Write("packed", [9]);

        CommandResult refused = Cowloop("pack", _directory["G2"], _directory["packed"]).MustExitWith(2).MustBeForPeople(lineCount: 1);
        Assert.Equal([9], _directory.Read("packed"));
        Cowloop("pack", _directory["G2"], _directory["packed"], "--force").MustSucceed();

        Assert.Contains("--force", refused.Error, StringComparison.Ordinal);
        Assert.Equal(Golden.ImageG2.Packed(), _directory.Read("packed"));
        Cowloop("unpack", _directory["packed"], _directory["G2"]).MustExitWith(2);
        Cowloop("unpack", _directory["packed"], _directory["G2"], "--force").MustSucceed();
    }

    [Fact]
    public void Errors_are_one_line_with_exit_code_2()
    {
        DirectorySnapshot before = DirectorySnapshot.Of(_directory.Path);

        Assert.Contains("cannot be opened", Refused("pack", _directory["none"], _directory["dest"]), StringComparison.Ordinal);
        Assert.Contains("is not packed", Refused("unpack", _directory["G2"], _directory["dest"]), StringComparison.Ordinal);
        Assert.Contains("exclude each other", Refused("pack", "--gzip", "--zstd", _directory["G2"], _directory["dest"]), StringComparison.Ordinal);

        before.MustBeUnchanged();
    }

    [Theory]
    [InlineData("pack")]
    [InlineData("unpack")]
    public void Help_has_an_example(string verb) =>
        Assert.Contains($"Example:\n  cowloop {verb} my.cow", Cowloop(verb, "--help").MustSucceed().Output, StringComparison.Ordinal);

    private static string Refused(params string[] arguments) => Cowloop(arguments).MustExitWith(2).MustBeForPeople(lineCount: 1).Error;

    private static CommandResult Cowloop(params string[] arguments) =>
        Captured.Run($"cowloop {string.Join(' ', arguments)}", () => CowloopFront.Run([.. arguments.Where(argument => argument.Length > 0)]));

    private static JsonElement Json(params string[] arguments) => JsonDocument.Parse(Cowloop(arguments).MustSucceed().Output).RootElement;

    private void AssertReport(JsonElement report, string source, string destination, string encoding, long sourceBytes, long destinationBytes)
    {
        Assert.Equal(_directory[source], report.GetProperty("source").GetString());
        Assert.Equal(_directory[destination], report.GetProperty("destination").GetString());
        Assert.Equal(encoding, report.GetProperty("encoding").GetString());
        Assert.Equal(4, report.GetProperty("blocks").GetInt64());
        Assert.Equal(sourceBytes, report.GetProperty("sourceBytes").GetInt64());
        Assert.Equal(destinationBytes, report.GetProperty("destinationBytes").GetInt64());
        Assert.Equal(6, report.EnumerateObject().Count());
    }
}
