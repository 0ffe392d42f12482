using System.Globalization;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Tools;

/// <summary>
/// A device as users name it. DEVICE_DIR/N is number N and need not exist; any other path must be a block device and is
/// found by its device number.
/// </summary>
internal static class DeviceArgument
{
    /// <summary>Finds the number.</summary>
    /// <param name="text">What the user gave.</param>
    /// <param name="what">How the original calls it in its message: <c>preferred cowdevice</c>.</param>
    /// <param name="client">Asked for the active devices.</param>
    /// <param name="paths">Where the nodes are.</param>
    /// <param name="message">The original's whole first line, when the path is no block device.</param>
    /// <returns>Null when the path is no block device.</returns>
    /// <exception cref="CowloopException">A block device, but not a cowdevice.</exception>
    public static int? Resolve(string text, string what, ControlClient client, CowloopPaths paths, out string message)
    {
        message = "";
        string path = text.Length == 0 ? "" : Path.GetFullPath(text);
        if (Path.GetDirectoryName(path) == paths.DeviceDirectory && TryParseNumber(Path.GetFileName(path), out int number))
        {
            return number;
        }
        Errno errno = FileIdentity.TryGet(text, out FileIdentity identity);
        if (errno != Errno.None)
        {
            message = $"stat {what}: {errno.Text()}";
            return null;
        }
        if (identity.Kind != FileKind.BlockDevice)
        {
            message = $"{text}: not a block device";
            return null;
        }
        string wanted = identity.TargetDevice.ToString();
        return client.GetService().Devices.FirstOrDefault(device => device.DeviceNumber == wanted)?.Number
            ?? throw new CowloopException(Errno.EINVAL, $"{text} is not a cowdevice", "cowdev -l lists the active ones");
    }

    /// <summary>Decimal, without sign or leading zeros.</summary>
    public static bool TryParseNumber(string name, out int number) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out number)
        && number.ToString(CultureInfo.InvariantCulture) == name;
}
