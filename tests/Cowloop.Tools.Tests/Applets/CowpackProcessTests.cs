using System.Diagnostics;
using System.Globalization;
using Cowloop.Core.Format;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;

namespace Cowloop.Tools.Tests.Applets;

/// <summary>cowpack as the program that users have: what only it can show.</summary>
public sealed class CowpackProcessTests : IDisposable
{
    private readonly WorkDirectory _directory = new();
    private readonly string _program = Repository.Program("cowpack");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_name_makes_the_program_cowpack()
    {
        _directory.Write("G2", Golden.G2());

        Shell.Run(_program, "-p", _directory["G2"], _directory["packed"]);

        Assert.Equal(Golden.G2PackedWide, FileSnapshot.HashOf(_directory["packed"]));
    }

    /// <summary>The check is a setting of the program, not of its code.</summary>
    [Fact]
    public void T68_the_program_checks_the_trailer_of_a_gzip_stream()
    {
        _directory.Write("G2", Golden.G2());
        Shell.Run(_program, "-zp", _directory["G2"], _directory["packed"]);
        byte[] packed = _directory.Read("packed");
        _directory.Write("cut", packed[..^1]);

        Shell.Try(_program, "-zu", _directory["cut"], _directory["dest"]).MustRefuse(1, "Copying data : <fd:3>: unexpected end of file");

        Assert.Equal(["G2", "cut", "packed"], _directory.Names);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void An_interruption_leaves_nothing_behind(string signal)
    {
        WriteEndlessCowfile("endless");
        using Process process = Shell.Start(new ShellOptions(), _program, "-zp", _directory["endless"], _directory["dest"]);
        Poll.Until("a temporary file has some bytes", () => _directory.Names.Any(
            name => name.StartsWith(".cowpack-", StringComparison.Ordinal) && new FileInfo(_directory[name]) is { Exists: true, Length: > 0 }));

        Shell.Run("kill", $"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture));
        Poll.Until("it has ended", () => process.HasExited);

        Assert.Equal(130, process.ExitCode);
        Assert.Equal($"cowpack: interrupted; {_directory["dest"]} was not made\n", process.StandardError.ReadToEnd());
        Assert.Equal(["endless"], _directory.Names);
    }

    [Fact]
    public void Pack_and_unpack_are_verbs_too()
    {
        _directory.Write("G2", Golden.G2());
        string cowloop = Repository.Program("cowloop");

        string packed = Shell.Run(cowloop, "pack", "--gzip", _directory["G2"], _directory["packed"]).Output;
        string json = Shell.Run(cowloop, "unpack", "--json", _directory["packed"], _directory["again"]).Output;

        Assert.Contains("4 blocks, 4.0 KiB", packed, StringComparison.Ordinal);
        Assert.Contains("\"encoding\": \"gzip\"", json, StringComparison.Ordinal);
        Assert.Equal(Golden.G2(), _directory.Read("again"));
    }

    /// <summary>A cowfile of zeros, all of them marked, that takes minutes to be packed.</summary>
    private void WriteEndlessCowfile(string name)
    {
        var layout = new CowLayout(256L << 20);
        byte[] header = new byte[CowLayout.BlockSize];
        (CowHeader.ForNewFile(layout, 0) with { UsedBlocks = (ulong)layout.BlockCount }).Encode(header);
        using FileStream stream = File.Create(_directory[name]);
        stream.Write(header);
        stream.Write(Fixtures.Filled((int)layout.BitmapBytes, 0xFF));
        stream.SetLength(layout.FullLengthBytes);
    }
}
