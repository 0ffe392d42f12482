using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop create: makes an empty cowfile, to be attached later.</summary>
internal static class CreateVerb
{
    public static Command Create()
    {
        Argument<string> baseName = VerbOptions.Base();
        var cowfile = new Argument<string>("COWFILE")
        {
            Description = "The cowfile to make; with --store compact also a block device, smaller or larger than BASE",
        };
        var layers = new Option<string[]>("--layer")
        {
            Description = "A cowfile between BASE and COWFILE; several from bottom to top. Those that it was made on are found by themselves",
            HelpName = "COWFILE",
        };
        Option<long?> size = VerbOptions.Size("--size", "Size of the device, larger than BASE: zeros are read behind its end");
        var plain = new Option<bool>("--plain") { Description = "Make it exactly as cowloop 3.1 did: it then knows its base by a weak fingerprint only" };
        var force = new Option<bool>("--force") { Description = "Do not ask when COWFILE is a block device that holds something" };
        var store = new StoreOptions();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "create",
            "Make an empty cowfile for a base, without a device.",
            "cowloop create --store compact --chunk 64K disk.img my.cow")
        {
            baseName,
            cowfile,
            layers,
            size,
            plain,
        };
        store.AddTo(command);
        command.Add(force);
        command.Add(json);
        command.SetAction(result => VerbRunner.Run(() => Make(
            new NewCowfile
            {
                Base = result.GetRequiredValue(baseName),
                Name = result.GetRequiredValue(cowfile),
                Layers = result.GetValue(layers) ?? [],
                DeviceBytes = result.GetValue(size),
                IsPlain = result.GetValue(plain) || PlainCowfiles.AreWanted,
                Store = store.Choose(result),
            },
            result.GetValue(force),
            result.GetValue(json))));
        return command;
    }

    private static int Make(NewCowfile wanted, bool force, bool asJson)
    {
        if (wanted.Make(MayOverwrite) is not var (store, deviceBytes, notice))
        {
            return Confirmation.DeclinedExitCode;
        }
        if (notice is not null)
        {
            Console.Error.WriteLine($"cowloop: {notice}");
        }
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(new CreateResult(Path.GetFullPath(wanted.Name), store, deviceBytes), ToolJson.Default.CreateResult)
            : $"{wanted.Name} is made for {wanted.Base}: {store}, a device of {HumanSize.Format(deviceBytes)}");
        return 0;

        bool MayOverwrite(string content)
        {
            string why = $"{wanted.Name} holds {content}";
            return force || Confirmation.Ask($"{why}. Overwrite it? (y/N) ", why, "give --force to overwrite it");
        }
    }
}
