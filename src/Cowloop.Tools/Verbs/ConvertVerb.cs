using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop convert: copies a cowfile into another store.</summary>
internal static class ConvertVerb
{
    public static Command Create()
    {
        Argument<string> cowfile = VerbOptions.Cowfile();
        var target = new Argument<string>("NEW") { Description = "Gets the copy" };
        var store = new StoreOptions();
        var force = new Option<bool>("--force") { Description = "Replace NEW when it exists and is not in use" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "convert",
            "Copy a cowfile into another store: from classic to compact, or back, or to chunks of another size. What lies on it lies on the copy as well.",
            "cowloop convert my.cow my-compact.cow --store compact")
        {
            cowfile,
            target,
        };
        store.AddTo(command);
        command.Add(force);
        command.Add(json);
        command.SetAction(result => VerbRunner.Run(() => Convert(
            result.GetRequiredValue(cowfile),
            result.GetRequiredValue(target),
            store.Choose(result),
            result.GetValue(force),
            result.GetValue(json))));
        return command;
    }

    private static int Convert(string cowfile, string target, StoreChoice? store, bool overwrite, bool asJson)
    {
        using var session = new WorkSession();
        using StoredFile source = FileOpener.OpenToRead(cowfile);
        using var output = OutputFile.Prepare(target, source.Identity, overwrite);
        var converter = Converter.Prepare(new CheckedFile(source, cowfile));
        converter.Run(output.CreateCowfile(converter.Layout, store), session);
        output.Commit();
        StoreInfo made = StoreInfo.Of(output.Stored!);
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(
                new ConvertResult(Path.GetFullPath(cowfile), Path.GetFullPath(target), made, converter.BlockCount),
                ToolJson.Default.ConvertResult)
            : $"{target} is a copy of {cowfile}: {made}, {HumanSize.Format(converter.BlockCount * Core.Format.CowLayout.BlockSize)} of changes");
        return 0;
    }
}
