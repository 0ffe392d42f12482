using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests.Support;

internal static class FuseConnections
{
    /// <summary>Ends a connection through its file of fusectl, which this closes.</summary>
    public static void End(SafeFileHandle abort)
    {
        using var file = new FileStream(abort, FileAccess.Write, bufferSize: 0);
        file.Write("1"u8);
    }
}
