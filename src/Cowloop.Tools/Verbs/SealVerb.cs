using System.CommandLine;
using System.Text.Json;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop seal: make a layer of a cowfile.</summary>
internal static class SealVerb
{
    public static Command Create()
    {
        Argument<string> cowfile = VerbOptions.Cowfile();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "seal",
            "Make a layer of a cowfile: it is never written again, so that others can lie on it.",
            "cowloop seal golden.cow")
        {
            cowfile,
            json,
        };
        command.SetAction(result => VerbRunner.Run(() => Seal(result.GetRequiredValue(cowfile), result.GetValue(json))));
        return command;
    }

    private static int Seal(string cowfile, bool asJson)
    {
        using StoredFile file = FileOpener.OpenToChange(cowfile);
        bool isNew = Sealer.Run(new CheckedFile(file, cowfile));
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(new SealResult(Path.GetFullPath(cowfile), isNew), StackJson.Default.SealResult)
            : $"{cowfile} {(isNew ? "is" : "was already")} sealed");
        return 0;
    }
}
