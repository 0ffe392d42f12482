using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Applets;

/// <summary>What the original's tools did with the control device: open it first of all, then ask for something.</summary>
internal static class ClassicCall
{
    /// <summary>Reaches the service and then does the work; either one's error is reported in the original's way.</summary>
    /// <param name="program">The program as it was called.</param>
    /// <param name="paths">Where the service is.</param>
    /// <param name="client">Reaches it.</param>
    /// <param name="action">How the original calls the work in its message.</param>
    /// <param name="unreachableExitCode">For a service that can't be reached.</param>
    /// <param name="refusedExitCode">For work that fails.</param>
    /// <param name="work">Returns the exit code.</param>
    public static int Run(
        string program,
        CowloopPaths paths,
        ControlClient client,
        string action,
        int unreachableExitCode,
        int refusedExitCode,
        Func<int> work)
    {
        try
        {
            client.Connect();
        }
        catch (CowloopException exception)
        {
            ErrorReport.Write(program, paths.ClassicControlDevice, exception);
            return unreachableExitCode;
        }
        try
        {
            return work();
        }
        catch (CowloopException exception)
        {
            ErrorReport.Write(program, action, exception);
            return refusedExitCode;
        }
    }
}
