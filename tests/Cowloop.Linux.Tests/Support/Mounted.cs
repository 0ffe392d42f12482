using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests.Support;

/// <summary>A mount that goes with the test.</summary>
internal sealed class Mounted : IDisposable
{
    private readonly string _mountPoint;

    public Mounted(string mountPoint, params string[] arguments)
    {
        _mountPoint = mountPoint;
        Programs.Run("mount", [.. arguments, mountPoint]);
    }

    public void Dispose() => Programs.Run("umount", _mountPoint);
}
