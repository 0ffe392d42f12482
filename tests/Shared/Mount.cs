using Xunit.Sdk;

namespace Cowloop.Tests.Support;

/// <summary>A mounted filesystem; unmounted when it is disposed of.</summary>
internal sealed class Mount : IDisposable
{
    private bool _isMounted;

    private Mount(string path)
    {
        Path = path;
        _isMounted = true;
    }

    public string Path { get; }

    /// <summary>A path in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    public static Mount Of(string device, string directory, params string[] options)
    {
        Directory.CreateDirectory(directory);
        Shell.Run("mount", [.. options, device, directory]);
        return new Mount(directory);
    }

    public void Unmount()
    {
        // Only for a moment could somebody else, such as an indexer, have a file open.
        if (!Poll.TryUntil(() => Shell.Try("umount", Path).ExitCode == 0))
        {
            throw new XunitException(Shell.Try("umount", Path).ToString());
        }
        _isMounted = false;
    }

    /// <summary>Unmounts it at the first try, with nobody to be waited for.</summary>
    public void UnmountAtOnce()
    {
        Shell.Run("umount", Path);
        _isMounted = false;
    }

    /// <summary>Somebody else has unmounted it.</summary>
    public void Forget() => _isMounted = false;

    public void Dispose()
    {
        if (_isMounted)
        {
            Unmount();
        }
    }
}
