using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Cowloop.Control;
using Cowloop.Linux;

namespace Cowloop.Daemon.Space;

/// <summary>
/// Runs the program that a user wants to be run when space for a device runs short: one at a time, in the order of the events, and none of them
/// for ever. What it prints goes to the log.
/// </summary>
internal sealed class SpaceHook
{
    private const int MaxPending = 16;
    private const int MaxOutputLength = 4096;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Queue<(string Program, ServiceEvent Happened)> _pending = new();
    private bool _isRunning;

    /// <summary>Has the program run, soon; nobody waits for it.</summary>
    /// <param name="program">Its absolute path. No shell, no arguments.</param>
    /// <param name="happened">What it is told, in its environment.</param>
    public void Start(string program, ServiceEvent happened)
    {
        lock (_lock)
        {
            if (_pending.Count == MaxPending)
            {
                _pending.Dequeue();
            }
            _pending.Enqueue((program, happened));
            if (!_isRunning)
            {
                _isRunning = true;
                _ = Task.Run(RunAllAsync);
            }
        }
    }

    private async Task RunAllAsync()
    {
        while (true)
        {
            (string Program, ServiceEvent Happened) next;
            lock (_lock)
            {
                if (!_pending.TryDequeue(out next))
                {
                    _isRunning = false;
                    return;
                }
            }
            await RunAsync(next.Program, next.Happened).ConfigureAwait(false);
        }
    }

    private static async Task RunAsync(string program, ServiceEvent happened)
    {
        string whose = string.Create(CultureInfo.InvariantCulture, $"hook {program} of cowdevice {happened.Devices[0].Number}");
        try
        {
            using Process process = Process.Start(Describe(program, happened))!;
            // Not the service's own: it can be replaced.
            HostProcess.TryUnspareWhenMemoryEnds(process.Id);
            process.StandardInput.Close();
            using var limit = new CancellationTokenSource(TimeLimit);
            Task<string>[] output = [ReadAsync(process.StandardOutput, limit.Token), ReadAsync(process.StandardError, limit.Token)];
            try
            {
                await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                ServiceLog.Warning($"{whose} has not ended after {TimeLimit.TotalSeconds} s and was killed");
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
            foreach (string text in await Task.WhenAll(output).ConfigureAwait(false))
            {
                Log(whose, text);
            }
            if (process.ExitCode != 0 && !limit.IsCancellationRequested)
            {
                ServiceLog.Warning($"{whose} ended with exit code {process.ExitCode}");
            }
        }
        catch (Win32Exception exception)
        {
            ServiceLog.Warning($"{whose} cannot be run: {exception.Message}");
        }
#pragma warning disable CA1031 // Whatever goes wrong with a user's program, the devices go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ServiceLog.Error($"{whose}: {exception}");
        }
    }

    private static ProcessStartInfo Describe(string program, ServiceEvent happened)
    {
        DeviceSpace device = happened.Devices[0];
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        start.Environment["COWLOOP_EVENT"] = happened.Event;
        start.Environment["COWLOOP_MARK"] = happened.Mark ?? "";
        start.Environment["COWLOOP_DEVICE"] = device.Path;
        start.Environment["COWLOOP_COWFILE"] = device.CowfilePath;
        start.Environment["COWLOOP_AVAILABLE_BYTES"] = ((UInt128)device.Space.AvailableKiB * 1024).ToString(CultureInfo.InvariantCulture);
        start.Environment["COWLOOP_TOTAL_BYTES"] = ((UInt128)device.Space.TotalKiB * 1024).ToString(CultureInfo.InvariantCulture);
        start.Environment["COWLOOP_WAITING"] = device.Space.Waiting.ToString(CultureInfo.InvariantCulture);
        return start;
    }

    /// <summary>Reads to the end and keeps the beginning. Something that the program has left behind may hold the end back, hence the limit.</summary>
    private static async Task<string> ReadAsync(StreamReader stream, CancellationToken limit)
    {
        char[] kept = new char[MaxOutputLength];
        char[] rest = new char[MaxOutputLength];
        int length = 0;
        try
        {
            while (true)
            {
                Memory<char> target = length < kept.Length ? kept.AsMemory(length) : rest;
                int count = await stream.ReadAsync(target, limit).ConfigureAwait(false);
                if (count == 0)
                {
                    break;
                }
                length = Math.Min(kept.Length, length + count);
            }
        }
        catch (OperationCanceledException)
        {
            // What there is must do.
        }
        return new string(kept, 0, length);
    }

    private static void Log(string whose, string text)
    {
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            ServiceLog.Notice($"{whose}: {line}");
        }
    }
}
