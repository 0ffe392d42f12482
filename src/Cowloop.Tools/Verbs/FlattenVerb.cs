using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core.Maintenance;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop flatten: an image of what a base reads as through cowfiles.</summary>
internal static class FlattenVerb
{
    public static Command Create()
    {
        Argument<string> baseName = VerbOptions.Base();
        var cowfiles = new Argument<string[]>("COWFILE")
        {
            Description = "The cowfiles on it, bottom to top; those that the first one lies on are found",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var output = new Option<string>("--output", "-o") { Description = "The image to make, sparse and raw", HelpName = "IMAGE", Required = true };
        var force = new Option<bool>("--force") { Description = "Replace IMAGE when it exists and is not in use" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "flatten",
            "Make a new image of what a base reads as through its cowfiles; all of them stay as they are.",
            "cowloop flatten disk.img my.cow -o new.img")
        {
            baseName,
            cowfiles,
            output,
            force,
            json,
        };
        command.SetAction(result => VerbRunner.Run(
            () => Flatten(
                result.GetRequiredValue(baseName),
                result.GetValue(cowfiles) ?? [],
                result.GetRequiredValue(output),
                result.GetValue(force),
                result.GetValue(json)),
            "nothing was made or changed"));
        return command;
    }

    private static int Flatten(string baseName, string[] cowfiles, string imageName, bool force, bool asJson)
    {
        using var session = new WorkSession();
        using StackOpener stack = StackOpener.Open(baseName, cowfiles);
        using var output = OutputFile.Prepare(imageName, stack.Identities, force);
        Flattener.Run(stack.View, output.Create(), session);
        output.Commit();
        long lengthBytes = stack.View.LengthBytes;
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(new FlattenResult(Path.GetFullPath(imageName), lengthBytes), StackJson.Default.FlattenResult)
            : $"{imageName}: {HumanSize.Format(lengthBytes)}, what {baseName} reads as through "
            + $"{stack.Layers.Count} cowfile{(stack.Layers.Count == 1 ? "" : "s")}");
        return 0;
    }
}
