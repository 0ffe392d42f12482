using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop status: the service and its devices, or one device.</summary>
internal static class StatusVerb
{
    public static Command Create()
    {
        Argument<string?> device = VerbOptions.OptionalDevice();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb("status", "Show the service and its devices, or one device as /proc/cow/N did.", "cowloop status /dev/cow/0")
        {
            device,
            json,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
        {
            bool asJson = result.GetValue(json);
            return result.GetValue(device) is string name
                ? ShowDevice(client, paths, NumberOf(name, client, paths), asJson)
                : ShowService(client, asJson);
        }));
        return command;
    }

    /// <summary>The number alone is enough.</summary>
    private static int NumberOf(string name, ControlClient client, CowloopPaths paths) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
        : DeviceArgument.Resolve(name, name, client, paths, out string message)
            ?? throw new CowloopException(Errno.EINVAL, message, "cowloop list shows the active devices");

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
        Console.Write(AfterKillText.Format(service));
        return 0;
    }
}
