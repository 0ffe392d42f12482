using System.CommandLine;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop unpack: makes a packed cowfile usable again.</summary>
internal static class UnpackVerb
{
    public static Command Create()
    {
        var source = new Argument<string>("SOURCE") { Description = "The packed cowfile; how it is stored is recognised" };
        var destination = new Argument<string>("COWFILE") { Description = "Gets the cowfile" };
        var force = new Option<bool>("--force") { Description = "Replace COWFILE when it exists and is not in use" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb("unpack", "Unpack a packed cowfile, whatever its compression.", "cowloop unpack my.cow.gz my.cow")
        {
            source,
            destination,
            force,
            json,
        };
        command.SetAction(result => PackingOutput.Run(result.GetValue(json), () => new CowfilePacking().Unpack(
            result.GetRequiredValue(source),
            result.GetRequiredValue(destination),
            expected: null,
            result.GetValue(force))));
        return command;
    }
}
