namespace Cowloop.Tests.Support;

/// <summary>A directory that goes when it is disposed of.</summary>
public sealed class TempDirectory : IDisposable
{
    private TempDirectory(string path) => Path = path;

    public TempDirectory()
        : this(Directory.CreateTempSubdirectory("cowloop-test-").FullName)
    {
    }

    public string Path { get; }

    /// <summary>A path in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>One in memory where the system has such a place: for much data that nobody should have to wait for.</summary>
    public static TempDirectory InMemory()
    {
        const string Memory = "/dev/shm";
        return Directory.Exists(Memory)
            ? new TempDirectory(Directory.CreateDirectory(System.IO.Path.Combine(Memory, $"cowloop-test-{Guid.NewGuid():N}")).FullName)
            : new TempDirectory();
    }

    /// <summary>One on a disk, also where the system keeps its temporary files in memory: for data that must not take any.</summary>
    public static TempDirectory OnDisk() =>
        new(Directory.CreateDirectory($"/var/tmp/cowloop-test-{Guid.NewGuid():N}").FullName);

    /// <summary>Makes a file of zeros without data.</summary>
    public string MakeFile(string name, long lengthBytes)
    {
        using FileStream stream = File.Create(this[name]);
        stream.SetLength(lengthBytes);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
