using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop watch: the space for the cowfile of a device, at once or when it runs short; cowwatch for people and programs of today.</summary>
internal static class WatchVerb
{
    public static Command Create()
    {
        Argument<string> device = VerbOptions.Device();
        var below = new Option<string?>("--below")
        {
            Description = "Wait until no more than this is available, or the device is deactivated: 500M, 2G (K, M, G, T), or KiB as cowwatch takes them",
            HelpName = "SIZE",
        };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "watch",
            "Show the space on the filesystem that holds the cowfile of a device, or wait until it runs short.",
            "cowloop watch /dev/cow/0 --below 500M")
        {
            device,
            below,
            json,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
            Watch(client, paths, result.GetRequiredValue(device), result.GetValue(below), result.GetValue(json))));
        return command;
    }

    private static int Watch(ControlClient client, CowloopPaths paths, string device, string? below, bool asJson)
    {
        ulong thresholdKiB = 0;
        if (below is not null && !HumanSize.TryParseKiB(below, out thresholdKiB))
        {
            throw new CowloopException(Errno.EINVAL, $"'{below}' is not a size", "give a number of KiB, or one with K, M, G or T behind it, for instance 500M");
        }
        client.Connect();
        int number = DeviceArgument.Resolve(device, device, client, paths, out string message)
            ?? throw new CowloopException(Errno.EINVAL, message, "name a cowdevice; cowdev -l lists the active ones");
        CowfileSpace space = below is null ? client.GetSpace(number) : client.WaitForSpace(number, thresholdKiB);
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(space, ControlJson.Default.CowfileSpace)
            : $"{HumanSize.FormatKiB(space.AvailableKiB)} of {HumanSize.FormatKiB(space.TotalKiB)} available for the cowfile");
        return 0;
    }
}
