using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cowloop.Control;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop events: print what happens to devices.</summary>
internal static class EventsVerb
{
    // One event a line.
    private static readonly ControlJson Lines = new(new JsonSerializerOptions(JsonSerializerDefaults.Web));

    public static Command Create()
    {
        Option<bool> json = VerbOptions.Json();
        json.Description = "Print a line of JSON for each event";
        var command = new Verb(
            "events",
            "Print how the devices stand with space, and then what happens to them, until it is interrupted or the service ends.",
            "cowloop events --json")
        {
            json,
        };
        command.SetAction(result => VerbRunner.WithClient((client, _) =>
        {
            foreach (ServiceEvent happened in client.Listen())
            {
                Console.Out.Write(result.GetValue(json) ? JsonSerializer.Serialize(happened, Lines.ServiceEvent) + "\n" : Format(happened));
            }
            return 0;
        }));
        return command;
    }

    /// <summary>A line for each device.</summary>
    internal static string Format(ServiceEvent happened)
    {
        string time = happened.Time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        return happened.Devices.Count == 0
            ? $"{time} no device is active\n"
            : string.Concat(happened.Devices.Select(device => $"{time} {device.Path} {happened.Event}{Describe(happened.Mark)}: {Describe(device)}\n"));
    }

    private static string Describe(string? mark) => mark is null ? "" : $" {mark}";

    private static string Describe(DeviceSpace device)
    {
        SpaceStatus space = device.Space;
        string left = $"{HumanSize.FormatKiB(space.AvailableKiB)} of {HumanSize.FormatKiB(space.TotalKiB)} left for {device.CowfilePath}";
        string waiting = space.Waiting == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {space.Waiting} wait for space");
        return $"{left}{waiting}{(space.Full && space.Waiting == 0 ? ", full" : "")}";
    }
}
