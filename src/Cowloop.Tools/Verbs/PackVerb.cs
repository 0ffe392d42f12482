using System.CommandLine;
using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop pack: a cowfile without its holes.</summary>
internal static class PackVerb
{
    public static Command Create()
    {
        var source = new Argument<string>("COWFILE") { Description = "The cowfile to pack; it must not be in use" };
        var destination = new Argument<string>("DEST") { Description = "Gets the packed cowfile" };
        var gzip = new Option<bool>("--gzip") { Description = "Compress it, as cowpack -z does" };
        var zstd = new Option<bool>("--zstd") { Description = "Compress it faster and better; cowloop 3.1 does not read it" };
        var force = new Option<bool>("--force") { Description = "Replace DEST when it exists" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb("pack", "Pack a cowfile: without its holes it can be sent and kept anywhere.", "cowloop pack my.cow my.cow.gz --gzip")
        {
            source,
            destination,
            gzip,
            zstd,
            force,
            json,
        };
        command.SetAction(result => PackingOutput.Run(result.GetValue(json), () => new CowfilePacking().Pack(
            result.GetRequiredValue(source),
            result.GetRequiredValue(destination),
            ChosenEncoding(result.GetValue(gzip), result.GetValue(zstd)),
            result.GetValue(force))));
        return command;
    }

    private static PackedEncoding ChosenEncoding(bool gzip, bool zstd) => (gzip, zstd) switch
    {
        (true, false) => PackedEncoding.Gzip,
        (false, true) => PackedEncoding.Zstd,
        (false, false) => PackedEncoding.Plain,
        _ => throw new CowloopException(Errno.EINVAL, "--gzip and --zstd exclude each other", "give one of them, or none"),
    };
}
