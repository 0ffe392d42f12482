using System.Diagnostics;
using System.Runtime.InteropServices;
using Cowloop.Core.Maintenance;

namespace Cowloop.Tools.Work;

/// <summary>
/// Looks after work that may take long: Ctrl-C and SIGTERM end it at a point from which it can be taken up again, and a person at a terminal
/// sees how far it is. A second signal ends the program at once.
/// </summary>
internal sealed class WorkSession : IWorkObserver, IDisposable
{
    /// <summary>Exit code after an interruption, as the shell has it for SIGINT.</summary>
    public const int InterruptedExitCode = 130;

    // What is done sooner needs no progress.
    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(500);

    private readonly PosixSignalRegistration[] _signals;
    private readonly bool _isWatched = !Console.IsErrorRedirected;
    private readonly Stopwatch _elapsed = Stopwatch.StartNew();
    private ProgressDisplay? _display;
    private string _what = "";
    private long _totalBytes;
    private long _doneBytes;
    private volatile bool _isInterrupted;

    public WorkSession()
    {
        PosixSignal[] ending = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        _signals = [.. ending.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];
    }

    /// <inheritdoc/>
    public void Begin(string what, long totalBytes)
    {
        _display?.Dispose();
        _display = null;
        _what = what;
        _totalBytes = totalBytes;
        _doneBytes = 0;
    }

    /// <inheritdoc/>
    public void Advance(long bytes)
    {
        if (_isInterrupted)
        {
            throw new OperationCanceledException();
        }
        _doneBytes += bytes;
        if (_isWatched && _elapsed.Elapsed > QuietTime)
        {
            _display ??= new ProgressDisplay(_what, _totalBytes);
            _display.Show(_doneBytes);
        }
    }

    /// <summary>Takes the progress off the terminal and gives the signals back.</summary>
    public void Dispose()
    {
        _display?.Dispose();
        foreach (PosixSignalRegistration signal in _signals)
        {
            signal.Dispose();
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = !_isInterrupted;
        _isInterrupted = true;
    }
}
