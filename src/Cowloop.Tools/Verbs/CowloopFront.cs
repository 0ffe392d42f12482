using System.CommandLine;
using System.CommandLine.Invocation;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop VERB: the front that shows what there is.</summary>
internal static class CowloopFront
{
    /// <summary>What every verb answers when it could not do its work.</summary>
    public const int FailureExitCode = 2;

    public static int Run(string[] arguments)
    {
        var root = new RootCommand("Writable block devices made of any read-only image and a sparse file that holds only what changed.")
        {
            LoadVerb.Create(),
            UnloadVerb.Create(),
            StatusVerb.Create(),
            UpVerb.Create(),
            DownVerb.Create(),
        };
        root.Options.OfType<VersionOption>().Single().Action = new PrintVersion();
        return root.Parse(arguments).Invoke();
    }

    /// <summary>Runs a verb's work against the service; an error becomes one clear line and exit code 2.</summary>
    public static int WithClient(Func<ControlClient, CowloopPaths, int> work)
    {
        CowloopPaths paths = CowloopPaths.FromEnvironment();
        using var client = new ControlClient(paths);
        try
        {
            return work(client, paths);
        }
        catch (CowloopException exception)
        {
            ErrorReport.Write("cowloop", exception);
            return FailureExitCode;
        }
    }

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            Console.WriteLine($"cowloop {ProgramVersion.Text}");
            return 0;
        }
    }
}
