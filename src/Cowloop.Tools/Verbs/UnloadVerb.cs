using System.CommandLine;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop unload: what <c>rmmod cowloop</c> was (specification 4.2).</summary>
internal static class UnloadVerb
{
    private static readonly TimeSpan PollTime = TimeSpan.FromMilliseconds(10);

    public static Command Create()
    {
        var wait = new Option<bool>("--wait")
        {
            Description = "Take no new devices, and end as soon as those in use are closed. Interrupting the command does not take that back.",
        };
        var command = new Verb("unload", "Deactivate all devices and end the service; refused while a device is in use.", "cowloop unload --wait")
        {
            wait,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) => Unload(client, paths, result.GetValue(wait))));
        return command;
    }

    private static int Unload(ControlClient client, CowloopPaths paths, bool wait)
    {
        client.Connect();
        try
        {
            client.Unload(wait);
            WaitUntilGone(paths);
            return 0;
        }
        catch (CowloopException exception)
        {
            ErrorReport.Write("cowloop", "unload cowloop", exception);
            return VerbRunner.FailureExitCode;
        }
    }

    /// <summary>Waits for the end of a service that has been unloaded: it keeps its directory locked until then.</summary>
    public static void WaitUntilGone(CowloopPaths paths)
    {
        while (true)
        {
            using DirectoryLock? taken = DirectoryLock.TryTake(paths.RunDirectory);
            if (taken is not null)
            {
                return;
            }
            Thread.Sleep(PollTime);
        }
    }
}
