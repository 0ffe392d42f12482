namespace Cowloop.Tests.Support;

/// <summary>A directory that goes with the test.</summary>
internal sealed class TempDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("cowloop-test-").FullName;

    /// <summary>Path of a file in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a file of zeros without data.</summary>
    public string MakeFile(string name, long lengthBytes)
    {
        using FileStream stream = File.Create(this[name]);
        stream.SetLength(lengthBytes);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
