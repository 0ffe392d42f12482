using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop attach: make a device.</summary>
internal static class AttachVerb
{
    public static Command Create()
    {
        Argument<string> baseName = VerbOptions.Base();
        Argument<string> cowfile = VerbOptions.Cowfile();
        cowfile.Description = "Gets the changes; made when it does not exist";
        Option<int?> number = VerbOptions.Number();
        var acceptBase = new Option<bool>("--accept-base")
        {
            Description = "Take a base that something else may be writing to, or that has changed since the cowfile was made; the cowfile remembers the latter",
        };
        var verifyBase = new Option<bool>("--verify-base") { Description = "Read all of the base, to see changes that samples of it do not show" };
        var plain = new Option<bool>("--plain")
        {
            Description = "Make the cowfile exactly as cowloop 3.1 did: it then knows its base by a weak fingerprint only",
        };
        var repair = new Option<bool>("--repair") { Description = "Repair the cowfile when it is dirty, instead of refusing it" };
        var space = new SpaceOptions();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "attach",
            "Make a writable device of a base and a cowfile, and print its name; starts the service when it is not running.",
            "mount $(cowloop attach disk.img my.cow) /mnt")
        {
            baseName,
            cowfile,
            number,
            acceptBase,
            verifyBase,
            repair,
            plain,
        };
        space.AddTo(command);
        command.Add(json);
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
        {
            SettingsRequest settings = space.Read(result);
            bool isServiceNew = ServiceStarter.EnsureRunning(client, paths);
            var request = new AttachRequest(
                result.GetRequiredValue(baseName),
                result.GetRequiredValue(cowfile),
                Environment.CurrentDirectory,
                result.GetValue(number),
                result.GetValue(acceptBase),
                result.GetValue(repair),
                result.GetValue(verifyBase),
                result.GetValue(plain) || PlainCowfiles.AreWanted,
                settings with { OnFull = settings.OnFull ?? OnFull.WaitAMinute.ToString() });
            DeviceStatus device = DeviceMaker.Make("cowloop", client, request, isServiceNew);
            Console.WriteLine(result.GetValue(json) ? JsonSerializer.Serialize(device, ControlJson.Default.DeviceStatus) : device.Path);
            return 0;
        }));
        return command;
    }
}
