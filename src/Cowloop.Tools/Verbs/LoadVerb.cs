using System.CommandLine;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop load: what <c>modprobe cowloop</c> was (specification 4.2).</summary>
internal static class LoadVerb
{
    public static Command Create()
    {
        var parameters = new Argument<string[]>("PARAMETER")
        {
            Description = "maxcows=N (16, up to 1022), rdofile=FILE and cowfile=FILE for a first device, option=r to recover its cowfile when dirty",
            Arity = ArgumentArity.ZeroOrMore,
        };
        parameters.CompletionSources.Add("maxcows=", "rdofile=", "cowfile=", "option=r");
        var command = new Verb("load", "Start the service.", "cowloop load maxcows=64 rdofile=disk.img cowfile=my.cow")
        {
            parameters,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) => Load(client, paths, result.GetValue(parameters) ?? [])));
        return command;
    }

    private static int Load(ControlClient client, CowloopPaths paths, string[] arguments)
    {
        // A wrong parameter is found here, before anything starts.
        LoadParameters parameters = LoadParameters.Parse(arguments);
        if (client.IsServiceRunning)
        {
            throw new CowloopException(Errno.EEXIST, "cowloop is loaded already", "cowloop status shows it, cowloop unload ends it");
        }
        ServiceStarter.Start(client, paths, arguments);
        if (parameters.Warning is string warning)
        {
            Console.Error.WriteLine($"cowloop: warning: {warning}");
        }
        if (parameters.Base is not null)
        {
            Console.WriteLine(paths.Node(0));
        }
        return 0;
    }
}
