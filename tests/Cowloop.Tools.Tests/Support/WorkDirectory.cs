using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tests.Support;

namespace Cowloop.Tools.Tests.Support;

/// <summary>A directory with files to work on; all of them are closed when it goes.</summary>
internal sealed class WorkDirectory : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly List<PosixFile> _files = [];

    public string Path => _directory.Path;

    /// <summary>A path in it.</summary>
    public string this[string name] => _directory[name];

    /// <summary>Names of all files in it, in order.</summary>
    public IEnumerable<string> Names => Directory.EnumerateFileSystemEntries(Path).Select(path => System.IO.Path.GetFileName(path)).Order(StringComparer.Ordinal);

    /// <summary>Writes a file.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public byte[] Read(string name) => File.ReadAllBytes(this[name]);

    /// <summary>Opens a file of any name, in the directory or not; it is made when it is not there.</summary>
    public CheckedFile Open(string name)
    {
        Errno errno = PosixFile.TryOpenReadWrite(this[name], out PosixFile? file);
        if (errno == Errno.ENOENT)
        {
            errno = PosixFile.TryCreate(this[name], out file);
        }
        Assert.Equal(Errno.None, errno);
        _files.Add(file!);
        return new CheckedFile(file!, name);
    }

    public void Dispose()
    {
        foreach (PosixFile file in _files)
        {
            file.Dispose();
        }
        _directory.Dispose();
    }
}
