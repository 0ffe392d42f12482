using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop attach: make a device.</summary>
internal static class AttachVerb
{
    public static Command Create()
    {
        Argument<string> baseName = VerbOptions.Base();
        var cowfiles = new Argument<string[]>("COWFILE")
        {
            Description = "Gets the changes; made when it does not exist. With --read-only any number, bottom to top, and none gets changes",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var layers = new Option<string[]>("--layer")
        {
            Description = "A cowfile between BASE and COWFILE that is only read; several from bottom to top. "
                + "Those that COWFILE was made on are found by themselves",
            HelpName = "COWFILE",
        };
        var readOnly = new Option<bool>("--read-only") { Description = "Make a read-only device; nothing of any file is changed" };
        var kept = new VolatileOptions();
        Option<long?> size = VerbOptions.Size("--size", "Size of the device of a new cowfile, larger than BASE: zeros are read behind its end");
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
        var store = new StoreOptions();
        var space = new SpaceOptions();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "attach",
            "Make a writable device of a base and a cowfile, and print its name; starts the service when it is not running.",
            "mount $(cowloop attach disk.img my.cow) /mnt")
        {
            baseName,
            cowfiles,
            layers,
            number,
            readOnly,
            size,
            acceptBase,
            verifyBase,
            repair,
            plain,
        };
        store.AddTo(command);
        kept.AddTo(command);
        space.AddTo(command);
        command.Add(json);
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
        {
            SettingsRequest settings = space.Read(result);
            VolatileRequest? isVolatile = kept.Read(result);
            bool isReadOnly = result.GetValue(readOnly);
            string[] named = result.GetValue(cowfiles) ?? [];
            RequireCount(named, isReadOnly, isVolatile is not null);
            string[] lower = [.. result.GetValue(layers) ?? [], .. isReadOnly ? named : []];
            bool isServiceNew = ServiceStarter.EnsureRunning(client, paths);
            var request = new AttachRequest(
                result.GetRequiredValue(baseName),
                isReadOnly ? "" : named.FirstOrDefault(""),
                Environment.CurrentDirectory,
                result.GetValue(number),
                result.GetValue(acceptBase),
                result.GetValue(repair),
                result.GetValue(verifyBase),
                result.GetValue(plain) || PlainCowfiles.AreWanted,
                settings with { OnFull = settings.OnFull ?? (isVolatile is null ? OnFull.WaitAMinute : OnFull.Error).ToString() },
                lower.Length == 0 ? null : lower,
                isReadOnly,
                isVolatile,
                result.GetValue(size),
                store.Read(result));
            DeviceStatus device = DeviceMaker.Make("cowloop", client, request, isServiceNew);
            Console.WriteLine(result.GetValue(json) ? JsonSerializer.Serialize(device, ControlJson.Default.DeviceStatus) : device.Path);
            return 0;
        }));
        return command;
    }

    /// <summary>One cowfile gets the changes, or none.</summary>
    private static void RequireCount(string[] named, bool isReadOnly, bool isVolatile)
    {
        if (isReadOnly || named.Length == (isVolatile ? 0 : 1))
        {
            return;
        }
        throw isVolatile
            ? new CowloopException(Errno.EINVAL, "a volatile device has no cowfile", "files that are only read are named with --layer")
            : new CowloopException(
                Errno.EINVAL,
                named.Length == 0 ? "no cowfile is named that gets the changes" : $"{named.Length} cowfiles are named, and one gets the changes",
                "name one COWFILE, those below it with --layer; or give --read-only or --volatile");
    }
}
