using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop set: change how an active device behaves when space runs short.</summary>
internal static class SetVerb
{
    public static Command Create()
    {
        Argument<string> device = VerbOptions.Device();
        var space = new SpaceOptions();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "set",
            "Change how a device behaves when space for its cowfile runs short, also while it is in use. What waits for space does what is said now.",
            "cowloop set /dev/cow/0 --on-full wait --warn-at 90%")
        {
            device,
        };
        space.AddTo(command);
        command.Add(json);
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
            Set(client, paths, result.GetRequiredValue(device), space.Read(result), result.GetValue(json))));
        return command;
    }

    private static int Set(ControlClient client, CowloopPaths paths, string device, SettingsRequest settings, bool asJson)
    {
        if (settings == new SettingsRequest())
        {
            throw new CowloopException(Errno.EINVAL, "there is nothing to set", "give --on-full, --warn-at or --hook");
        }
        DeviceStatus status = client.Configure(VerbOptions.NumberOf(device, client, paths), settings);
        if (asJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(status, ControlJson.Default.DeviceStatus));
        }
        return 0;
    }
}
