using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core.Devices;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop status: the service and its devices, or one device.</summary>
internal static class StatusVerb
{
    public static Command Create()
    {
        var number = new Argument<int?>("N")
        {
            Description = "Show the cowdevice of this number, as /proc/cow/N did",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("status", "Show the service and its devices.\n\nExample: cowloop status 0 --json")
        {
            number,
            json,
        };
        command.SetAction(result => CowloopFront.WithClient((client, paths) =>
        {
            bool asJson = result.GetValue(json);
            return result.GetValue(number) is int device
                ? ShowDevice(client, paths, device, asJson)
                : ShowService(client, asJson);
        }));
        return command;
    }

    private static int ShowDevice(ControlClient client, CowloopPaths paths, int number, bool asJson)
    {
        DeviceStatus status = client.GetDevice(number);
        Console.Out.Write(asJson
            ? JsonSerializer.Serialize(status, ControlJson.Default.DeviceStatus) + "\n"
            : File.ReadAllText($"{paths.StatusDirectory}/{number.ToString(CultureInfo.InvariantCulture)}"));
        return 0;
    }

    private static int ShowService(ControlClient client, bool asJson)
    {
        ServiceStatus service = client.GetService();
        if (asJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(service, ControlJson.Default.ServiceStatus));
            return 0;
        }
        string active = $"{service.Devices.Count} of {service.MaxDevices} devices active";
        Console.WriteLine($"cowloop {service.Version}, process {service.ProcessId}: {active}{(service.Draining ? ", ends with the last" : "")}");
        if (service.Devices.Count > 0)
        {
            Console.WriteLine();
            Console.WriteLine($"{"DEVICE",-14}{"SIZE",10}{"CHANGED",11}{"STATE",11}{"OPENS",7}  BASE + COWFILE");
        }
        foreach (DeviceStatus device in service.Devices)
        {
            string state = StateOf(device);
            string size = HumanSize.Format(device.SizeBytes);
            string changed = HumanSize.Format(device.CowBlocks * device.BlockSize);
            Console.WriteLine($"{device.Path,-14}{size,10}{changed,11}{state,11}{device.Opens,7}  {device.Base} + {device.Cowfile}");
        }
        return 0;
    }

    /// <summary>What matters most of it.</summary>
    private static string StateOf(DeviceStatus device) => device.CowfileAccess switch
    {
        CowfileAccess.ReadOnly => "read-only",
        CowfileAccess.Closed => "closed",
        _ => device.Failure is null ? device.State : "failed",
    };
}
