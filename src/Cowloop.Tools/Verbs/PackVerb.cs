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
        var plain = new Option<bool>("--plain") { Description = "Do not compress it; this is what happens anyway" };
        var force = new Option<bool>("--force") { Description = "Replace DEST when it exists" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("pack", "Pack a cowfile: without its holes it can be sent and kept anywhere.\n\nExample: cowloop pack my.cow my.cow.gz --gzip")
        {
            source,
            destination,
            gzip,
            zstd,
            plain,
            force,
            json,
        };
        command.SetAction(result => PackingOutput.Run(result.GetValue(json), () => new CowfilePacking().Pack(
            result.GetRequiredValue(source),
            result.GetRequiredValue(destination),
            ChosenEncoding(result.GetValue(gzip), result.GetValue(zstd), result.GetValue(plain)),
            result.GetValue(force))));
        return command;
    }

    private static PackedEncoding ChosenEncoding(bool gzip, bool zstd, bool plain) => (gzip, zstd, plain) switch
    {
        (true, false, false) => PackedEncoding.Gzip,
        (false, true, false) => PackedEncoding.Zstd,
        (false, false, _) => PackedEncoding.Plain,
        _ => throw new CowloopException(Errno.EINVAL, "--gzip, --zstd and --plain exclude each other", "give one of them"),
    };
}
