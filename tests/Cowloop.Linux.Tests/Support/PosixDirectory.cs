using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests.Support;

/// <summary>An open directory, which the runtime's own file API does not give.</summary>
internal sealed class PosixDirectory : IDisposable
{
    private PosixDirectory(SafeFileHandle handle) => Handle = handle;

    public SafeFileHandle Handle { get; }

    public static PosixDirectory Open(string path) => new(LibC.ToHandle(LibC.open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0)));

    public void Dispose() => Handle.Dispose();
}
