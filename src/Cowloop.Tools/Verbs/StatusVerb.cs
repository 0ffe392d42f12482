using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cowloop.Control;

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
        Option<bool> json = VerbOptions.Json();
        var command = new Verb("status", "Show the service and its devices.", "cowloop status 0 --json")
        {
            number,
            json,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
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
            Console.Write("\n" + DeviceTable.Format(service.Devices));
        }
        return 0;
    }
}
