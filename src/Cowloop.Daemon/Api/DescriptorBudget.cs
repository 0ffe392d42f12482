using Cowloop.Core;

namespace Cowloop.Daemon.Api;

/// <summary>
/// How many devices the limit of open files has room for. It must not be reached: the runtime needs a descriptor to start a thread, and
/// ends the process when it gets none, and all devices with it.
/// </summary>
internal static class DescriptorBudget
{
    // The program's own files are some 180, and its workers have up to 64 for large reads.
    private const int ForProgram = 320;

    // What requests need for moments, mostly at activation: nodes, a look at all processes, partx.
    private const int ForRequests = 256;

    // Base, cowfile, live bits, and the connection of one who waits for its space.
    private const int PerDevice = 4;

    /// <summary>The most devices that may be served.</summary>
    /// <param name="wanted">What was asked for.</param>
    /// <param name="limit">The limit of open files.</param>
    /// <exception cref="CowloopException">There is no room for any.</exception>
    public static int Grant(int wanted, long limit)
    {
        long room = (limit - ForProgram - ForRequests - ControlServer.MaxConnectionsWithoutDevices) / PerDevice;
        return room > 0
            ? (int)Math.Min(wanted, room)
            : throw new CowloopException(
                Errno.EMFILE,
                $"the limit of {limit} open files is too low to serve a device",
                "raise it to 4096 or more: ulimit -n, or LimitNOFILE= of a systemd unit");
    }
}
