using Cowloop.Architecture.Tests.Support;

namespace Cowloop.Architecture.Tests;

/// <summary>A reader finds the tests of a file beside its name: src/P/D/X.cs has tests/P.Tests/D/XTests.cs, for all parts of X together.</summary>
public class MirrorTests
{
    private static readonly string[] Mirrored = ["Cowloop.Core", "Cowloop.Linux", "Cowloop.Fuse", "Cowloop.Control"];

    /// <summary>Files without tests of their own, and why.</summary>
    private static readonly Dictionary<string, string> Exceptions = new()
    {
        ["src/Cowloop.Core/Devices/IBlockDevice.cs"] = "no code; OverlayTests are about what it promises",
        ["src/Cowloop.Core/Devices/BaseOptions.cs"] = "no code; BaseGuardTests are about what it means",
        ["src/Cowloop.Core/Devices/CowfileOptions.cs"] = "no code; BaseGuardTests and LiveBitsTests are about what it means",
        ["src/Cowloop.Core/Files/IBlockFile.cs"] = "no code; PosixFileTests are about what it promises",
        ["src/Cowloop.Core/Files/IReadTarget.cs"] = "no code; PagePipeTests are about what it promises",
        ["src/Cowloop.Core/Live/LiveKey.cs"] = "no code; KeptBitsTests are about what it decides",
        ["src/Cowloop.Core/Maintenance/IWorkObserver.cs"] = "no code; RepairerOrderTests and MergerTests are about what it promises",
        ["src/Cowloop.Linux/LibC.cs"] = "declarations only; every user of them has tests",
        ["src/Cowloop.Linux/LibC.Constants.cs"] = "AbiTests compare it with the headers",
        ["src/Cowloop.Linux/LibC.Structs.cs"] = "AbiTests compare it with the headers",
    };

    [Fact]
    public void Every_source_file_has_its_tests()
    {
        string[] without = [.. Sources().Where(file => !HasTests(file)).Except(Exceptions.Keys)];
        Assert.Empty(without);
    }

    [Fact]
    public void The_exceptions_are_still_needed() => Assert.All(Exceptions, exception =>
    {
        Assert.Contains(exception.Key, Sources());
        Assert.False(HasTests(exception.Key));
        Assert.NotEmpty(exception.Value);
    });

    private static IEnumerable<string> Sources() => Mirrored.SelectMany(project => SourceTree.SourcesBelow($"src/{project}"));

    private static bool HasTests(string file) => SourceTree.Files.Contains(TestsOf(file));

    private static string TestsOf(string file)
    {
        string[] parts = file.Split('/');
        string directory = string.Join('/', parts[2..^1].Prepend($"{parts[1]}.Tests").Prepend("tests"));
        return $"{directory}/{parts[^1].Split('.')[0]}Tests.cs";
    }
}
