using System.Diagnostics;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Tools;

/// <summary>Starts cowloopd, which lies beside this program, and waits until it serves.</summary>
internal static class ServiceStarter
{
    // As long as one may take that makes the devices of a killed one again first.
    private static readonly TimeSpan OtherServiceTime = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan PollTime = TimeSpan.FromMilliseconds(50);

    /// <summary>Starts the service unless it runs already or COWLOOP_AUTOSTART=0 forbids it.</summary>
    /// <param name="client">Asked whether it runs.</param>
    /// <param name="paths">Where its things are.</param>
    /// <param name="parameters">What to start it with; one that runs already is taken as it is.</param>
    /// <returns>True when it was started by this call: then the devices of one that was killed are active again.</returns>
    /// <exception cref="CowloopException">It does not start.</exception>
    public static bool EnsureRunning(ControlClient client, CowloopPaths paths, params string[] parameters)
    {
        if (client.IsServiceRunning || Environment.GetEnvironmentVariable("COWLOOP_AUTOSTART") == "0")
        {
            return false;
        }
        return Start(client, paths, parameters, isAnyEnough: true);
    }

    /// <summary>Starts the service with parameters.</summary>
    /// <exception cref="CowloopException">It does not start, or its first device can't be activated.</exception>
    public static void Start(ControlClient client, CowloopPaths paths, IReadOnlyList<string> parameters) =>
        Start(client, paths, parameters, isAnyEnough: parameters.Count == 0);

    /// <returns>False when another one runs, and that is enough.</returns>
    private static bool Start(ControlClient client, CowloopPaths paths, IReadOnlyList<string> parameters, bool isAnyEnough)
    {
        if (!HostProcess.IsRoot)
        {
            throw new CowloopException(Errno.EPERM, "starting cowloop needs root: it makes block devices", "use sudo");
        }
        string program = Path.Combine(AppContext.BaseDirectory, "cowloopd");
        if (!File.Exists(program))
        {
            throw new CowloopException(Errno.ENOENT, $"the service {program} is missing", "install cowloop again");
        }
        // The log lies there, and must not be a link that somebody else has put there.
        OwnDirectory.Ensure(paths.RunDirectory);
        for (var waited = Stopwatch.StartNew(); ; Thread.Sleep(PollTime))
        {
            string answer = DetachedProcess.StartAndWait(program, ["--ready", .. parameters], paths.Log);
            if (answer == "ready")
            {
                return true;
            }
            CowloopException failure = answer.StartsWith('{')
                ? ControlJson.ToException(JsonSerializer.Deserialize(answer, ControlJson.Default.ErrorReply)!)
                : new CowloopException(Errno.ENXIO, "the service died while starting", $"see {paths.Log}");
            // Another service has the directory: one that somebody else is starting at this moment, which will do as well unless parameters
            // were given; or one that was killed and has not ended yet.
            bool isRunning = failure.Errno == Errno.EEXIST && client.IsServiceRunning;
            if (isRunning && isAnyEnough)
            {
                return false;
            }
            if (isRunning || failure.Errno != Errno.EEXIST || waited.Elapsed > OtherServiceTime)
            {
                throw failure;
            }
        }
    }
}
