using System.Globalization;
using System.Text;
using Cowloop.Control;
using Cowloop.Core.Devices;

namespace Cowloop.Tools.Verbs;

/// <summary>Devices for people, a line each.</summary>
internal static class DeviceTable
{
    /// <summary>The table with its headings; empty without devices.</summary>
    public static string Format(IReadOnlyList<DeviceStatus> devices)
    {
        if (devices.Count == 0)
        {
            return "";
        }
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{"DEVICE",-14}{"SIZE",10}{"CHANGED",11}{"STATE",11}{"OPENS",7}  BASE + COWFILE\n");
        foreach (DeviceStatus device in devices)
        {
            string state = StateOf(device);
            string size = HumanSize.Format(device.SizeBytes);
            string changed = HumanSize.Format(device.CowBlocks * device.BlockSize);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{device.Path,-14}{size,10}{changed,11}{state,11}{device.Opens,7}  {FilesOf(device)}\n");
        }
        return text.ToString();
    }

    /// <summary>What it is made of, bottom to top.</summary>
    private static string FilesOf(DeviceStatus device)
    {
        string layers = device.Layers.Count switch
        {
            0 => "",
            1 => $" + {Path.GetFileName(device.Layers[0])}",
            _ => $" + {device.Layers.Count} layers",
        };
        string top = device.Mode == DeviceMode.ReadOnly ? "" : $" + {device.CowfileText}";
        return $"{device.Base}{layers}{top}";
    }

    /// <summary>What matters most of it.</summary>
    private static string StateOf(DeviceStatus device) => device.CowfileAccess switch
    {
        _ when device.Mode == DeviceMode.Volatile => "volatile",
        CowfileAccess.ReadOnly => "read-only",
        CowfileAccess.Closed => "closed",
        _ when device.Failure is not null => "failed",
        _ => device.Space.Full ? "full" : device.State,
    };
}
