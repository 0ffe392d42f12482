using System.CommandLine;
using System.Text.Json;
using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop rebase: put a cowfile on another base or other layers.</summary>
internal static class RebaseVerb
{
    public static Command Create()
    {
        Argument<string> cowfile = VerbOptions.Cowfile();
        var layers = new Argument<string[]>("LAYER")
        {
            Description = "The layers on the new base that it is to lie on, bottom to top",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var from = new Option<string?>("--from") { Description = "The base that it lies on; otherwise the one that it names", HelpName = "BASE" };
        var onto = new Option<string>("--onto") { Description = "The base that it is to lie on, of the same size", HelpName = "BASE", Required = true };
        var isUnsafe = new Option<bool>("--unsafe") { Description = "Only change what it names: for a base that was replaced by an equal one" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "rebase",
            "Put a cowfile on another base or other layers. What is read stays the same: what differs is copied into it, what is equal is taken out.",
            "cowloop rebase my.cow --from disk.img --onto new.img")
        {
            cowfile,
            layers,
            from,
            onto,
            isUnsafe,
            json,
        };
        command.SetAction(result => VerbRunner.Run(
            () =>
            {
                string name = result.GetRequiredValue(cowfile);
                DirtyCowfile.Settle(name);
                using StackOpener @new = OpenNew(name, result.GetRequiredValue(onto), result.GetValue(layers) ?? []);
                return result.GetValue(isUnsafe)
                    ? Rename(name, @new, result.GetValue(json))
                    : Rebase(name, result.GetValue(from), @new, result.GetValue(json));
            },
            "what is read is as it was; run it again to finish it"));
        return command;
    }

    private static int Rebase(string cowfile, string? from, StackOpener @new, bool asJson)
    {
        // Without its former layers a cowfile can still be finished that names the new already.
        using StackOpener? old = TryOpenOld(cowfile, from, @new, out CowloopException? refusal);
        using StoredFile file = FileOpener.OpenToChange(cowfile);
        Rebaser rebaser;
        try
        {
            rebaser = Rebaser.Prepare(new CheckedFile(file, cowfile), (old ?? @new).Image, @new.Image, ParentPath(cowfile, @new));
        }
        catch (CowloopException) when (refusal is not null)
        {
            throw refusal;
        }
        LiveDirectory.RemoveAll(LiveDirectory.KeyOf(file.File));
        RebaseReport report;
        using (var session = new WorkSession())
        {
            report = rebaser.Run(StackOpener.DifferentLayers(old ?? @new, @new), words => new NativeWords(words), session);
        }
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(
                new RebaseResult(Path.GetFullPath(cowfile), Path.GetFullPath(@new.BaseName), report.CopiedBlocks, report.DroppedBlocks),
                StackJson.Default.RebaseResult)
            : $"{cowfile} lies on {Describe(@new)} now: {report.CopiedBlocks} blocks were copied into it, {report.DroppedBlocks} taken out");
        return 0;
    }

    private static int Rename(string cowfile, StackOpener @new, bool asJson)
    {
        using StoredFile file = FileOpener.OpenToChange(cowfile);
        Rebaser.RenameBelow(new CheckedFile(file, cowfile), @new.Image, ParentPath(cowfile, @new));
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(new RebaseResult(Path.GetFullPath(cowfile), Path.GetFullPath(@new.BaseName), 0, 0), StackJson.Default.RebaseResult)
            : $"{cowfile} names {Describe(@new)} now; nothing was compared");
        return 0;
    }

    private static StackOpener OpenNew(string cowfile, string onto, string[] layers)
    {
        StackOpener @new = StackOpener.Open(onto, layers, Path.GetDirectoryName(Path.GetFullPath(cowfile)));
        if (FileIdentity.TryGet(cowfile, out FileIdentity identity) == Errno.None && @new.Identities.Any(identity.IsSameAs))
        {
            @new.Dispose();
            throw new CowloopException(Errno.EINVAL, $"{cowfile} cannot lie on itself", "name a base, and layers that do not lie on it");
        }
        return @new;
    }

    private static StackOpener? TryOpenOld(string cowfile, string? from, StackOpener @new, out CowloopException? refusal)
    {
        refusal = null;
        try
        {
            return StackOpener.OpenBelow(from, cowfile, []);
        }
        catch (CowloopException exception) when (@new.Layers.Count > 0 && exception.Fault is Fault.OtherParent or Fault.OtherBase)
        {
            refusal = exception;
            return null;
        }
    }

    private static string? ParentPath(string cowfile, StackOpener @new) => @new.Layers.Count == 0
        ? null
        : Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(cowfile))!, Path.GetFullPath(@new.Layers[^1].Name));

    private static string Describe(StackOpener stack) =>
        stack.Layers.Count == 0 ? stack.BaseName : $"{stack.Layers[^1].Name} on {stack.BaseName}";
}
