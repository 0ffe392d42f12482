using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop list: the active devices; needs no rights and no service.</summary>
internal static class ListVerb
{
    public static Command Create()
    {
        Option<bool> json = VerbOptions.Json();
        var command = new Verb("list", "List the active devices; nothing when there is none.", "cowloop list --json") { json };
        command.SetAction(result =>
        {
            IReadOnlyList<DeviceStatus> devices = ActiveDevices.Read(CowloopPaths.FromEnvironment());
            Console.Out.Write(result.GetValue(json)
                ? JsonSerializer.Serialize(devices, ControlJson.Default.IReadOnlyListDeviceStatus) + "\n"
                : DeviceTable.Format(devices));
            return 0;
        });
        return command;
    }
}
