using System.Globalization;
using System.Net.Sockets;
using Cowloop.Core;

namespace Cowloop.Control;

/// <summary>Where a service keeps its things; tools and service must agree on it.</summary>
/// <param name="RunDirectory">State of the running service: COWLOOP_RUN_DIR, else /run/cowloop.</param>
/// <param name="DeviceDirectory">The block nodes: COWLOOP_DEV_DIR, else /dev/cow.</param>
public sealed record CowloopPaths(string RunDirectory, string DeviceDirectory)
{
    /// <summary>The control socket.</summary>
    public string ControlSocket => $"{RunDirectory}/control.sock";

    /// <summary>One text file and one JSON file per active device.</summary>
    public string StatusDirectory => $"{RunDirectory}/status";

    /// <summary>What the service has written down of its active devices, for the case that it is killed.</summary>
    public string SavedDevices => $"{RunDirectory}/devices";

    /// <summary>All active devices as JSON; readable by everybody.</summary>
    public string DeviceList => $"{StatusDirectory}/{DeviceListName}";

    /// <summary>Name of <see cref="DeviceList"/> in its directory.</summary>
    public static string DeviceListName => "devices.json";

    /// <summary>Where a service that was started by a tool logs to.</summary>
    public string Log => $"{RunDirectory}/cowloopd.log";

    /// <summary>The name of the original's control device, which the classic tools print when the service can't be reached.</summary>
    public string ClassicControlDevice => $"{DeviceDirectory}/ctl";

    /// <summary>Reads the environment.</summary>
    public static CowloopPaths FromEnvironment() => new(
        Get("COWLOOP_RUN_DIR", "/run/cowloop"),
        Get("COWLOOP_DEV_DIR", "/dev/cow"));

    /// <summary>The address of the control socket.</summary>
    /// <exception cref="CowloopException">The run directory's name is too long for it.</exception>
    public UnixDomainSocketEndPoint ControlEndPoint()
    {
        try
        {
            return new UnixDomainSocketEndPoint(ControlSocket);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new CowloopException(
                Errno.ENAMETOOLONG,
                $"{ControlSocket} is too long for a socket's name",
                "set COWLOOP_RUN_DIR to a directory with a shorter name");
        }
    }

    /// <summary>The node of a device.</summary>
    public string Node(int number) => $"{DeviceDirectory}/{number.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The node of a partition of a device.</summary>
    public string Partition(int number, int partition) => $"{Node(number)}p{partition.ToString(CultureInfo.InvariantCulture)}";

    private static string Get(string variable, string standard)
    {
        string? value = Environment.GetEnvironmentVariable(variable);
        return string.IsNullOrEmpty(value) ? standard : Path.GetFullPath(value).TrimEnd('/');
    }
}
