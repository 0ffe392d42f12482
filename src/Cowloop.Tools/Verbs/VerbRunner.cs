using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>How every verb ends: an error is one clear line on standard error.</summary>
internal static class VerbRunner
{
    /// <summary>What a verb answers when it could not do its work.</summary>
    public const int FailureExitCode = 2;

    /// <summary>Runs a verb's work.</summary>
    /// <param name="work">Gives the exit code.</param>
    /// <param name="whenInterrupted">What the user should know after Ctrl-C.</param>
    public static int Run(Func<int> work, string whenInterrupted = "nothing was changed")
    {
        try
        {
            return work();
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"cowloop: interrupted; {whenInterrupted}");
            return WorkSession.InterruptedExitCode;
        }
        catch (CowloopException exception)
        {
            ErrorReport.Write("cowloop", exception);
            return FailureExitCode;
        }
    }

    /// <summary>Runs a verb's work against the service.</summary>
    /// <param name="work">Gives the exit code.</param>
    /// <param name="whenInterrupted">As for <see cref="Run"/>.</param>
    public static int WithClient(Func<ControlClient, CowloopPaths, int> work, string whenInterrupted = "nothing was changed") => Run(
        () =>
        {
            CowloopPaths paths = CowloopPaths.FromEnvironment();
            using var client = new ControlClient(paths);
            return work(client, paths);
        },
        whenInterrupted);
}
