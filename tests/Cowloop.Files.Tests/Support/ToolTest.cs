using System.IO.Compression;

namespace Cowloop.Files.Tests.Support;

/// <summary>A test of the tools on files of its own directory. It is their current one, so that files are named as in the specification.</summary>
public abstract class ToolTest : IDisposable
{
    /// <summary>A cowfile that is in word size and byte order like each of the machines there are.</summary>
    public static TheoryData<CowVariant> Variants => [.. Enum.GetValues<CowVariant>()];

    protected TempDirectory Temp { get; } = new();

    /// <summary>The names in the directory.</summary>
    protected IEnumerable<string> Names => Directory.EnumerateFileSystemEntries(Temp.Path).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => Temp.Dispose();

    /// <summary>Runs a tool whose standard input has ended.</summary>
    protected CommandResult Run(string tool, params string[] arguments) => Answer("", tool, arguments);

    /// <summary>Runs a tool that may read this.</summary>
    protected CommandResult Answer(string input, string tool, params string[] arguments) =>
        Shell.Try(new ShellOptions { Directory = Temp.Path, Input = input }, Repository.Program(tool), arguments);

    /// <summary>Runs a line of shell in the directory; it must succeed.</summary>
    protected CommandResult RunScript(string script) => Shell.Try(new ShellOptions { Directory = Temp.Path }, "sh", "-ec", script).MustSucceed();

    protected byte[] Read(string name) => File.ReadAllBytes(Temp[name]);

    protected string Write(string name, byte[] content)
    {
        File.WriteAllBytes(Temp[name], content);
        return Temp[name];
    }

    /// <summary>R of the specification.</summary>
    protected string WriteBase(string name = "R") => Write(name, Fixtures.R);

    private protected string Write(string name, CowImage image) => image.Write(Temp[name]);

    /// <summary>The same, to see that it stays as it is.</summary>
    private protected FileSnapshot Keep(string name, CowImage image) => FileSnapshot.Of(Write(name, image));

    private protected FileSnapshot Keep(string name, byte[] content) => FileSnapshot.Of(Write(name, content));

    private protected FileSnapshot KeepBase(string name = "R") => FileSnapshot.Of(WriteBase(name));

    /// <summary>All files of the directory as they are now.</summary>
    /// <returns>Fails unless they still are so, and no other has come.</returns>
    private protected Action KeepAll()
    {
        string[] names = [.. Names];
        FileSnapshot[] files = [.. names.Select(name => Temp[name]).Where(IsRegular).Select(FileSnapshot.Of)];
        return () =>
        {
            Assert.Equal(names, Names);
            Assert.All(files, file => file.MustBeUnchanged());
        };
    }

    private protected static byte[] Gzip(byte[] content, CompressionLevel level = CompressionLevel.Optimal)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, level, leaveOpen: true))
        {
            gzip.Write(content);
        }
        return target.ToArray();
    }

    private protected static byte[] Gunzip(byte[] content)
    {
        using var target = new MemoryStream();
        using var gzip = new GZipStream(new MemoryStream(content), CompressionMode.Decompress);
        gzip.CopyTo(target);
        return target.ToArray();
    }

    private static bool IsRegular(string path) => File.GetAttributes(path) is FileAttributes.Normal or FileAttributes.ReadOnly;

    /// <summary>Bytes that can't be compressed, the same for the same seed.</summary>
    private protected static byte[] Noise(int seed, int length)
    {
#pragma warning disable CA5394 // Test data, no secret.
        return Fixtures.RandomBytes(new Random(seed), length);
#pragma warning restore CA5394
    }
}
