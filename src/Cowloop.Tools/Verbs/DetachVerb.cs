using System.CommandLine;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop detach: take devices away.</summary>
internal static class DetachVerb
{
    public static Command Create()
    {
        Argument<string[]> devices = VerbOptions.Devices();
        var command = new Verb(
            "detach",
            "Take devices away; their cowfiles are clean and durable afterwards.",
            "cowloop detach /dev/cow/0")
        {
            devices,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) => Detach(client, paths, result.GetRequiredValue(devices))));
        return command;
    }

    /// <summary>One that can't be taken away does not keep the others.</summary>
    private static int Detach(ControlClient client, CowloopPaths paths, string[] devices)
    {
        client.Connect();
        int exitCode = 0;
        foreach (string device in devices)
        {
            try
            {
                client.Detach(VerbOptions.NumberOf(device, client, paths));
            }
            catch (CowloopException exception)
            {
                ErrorReport.Write("cowloop", exception);
                exitCode = VerbRunner.FailureExitCode;
            }
        }
        return exitCode;
    }
}
