using Spectre.Console;

namespace Cowloop.Tools.Work;

/// <summary>A line on the terminal's standard error: how much is done, how fast it goes, how long it will take. It is gone when disposed.</summary>
internal sealed class ProgressDisplay : IDisposable
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ProgressTask> _started = new();
    private readonly Task _drawing;

    public ProgressDisplay(string what, long totalBytes)
    {
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        _drawing = terminal.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(),
                new ProgressBarColumn(),
                new PercentageColumn(),
                new DownloadedColumn { Base = FileSizeBase.Binary },
                new TransferSpeedColumn { Base = FileSizeBase.Binary },
                new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                _started.SetResult(context.AddTask(Markup.Escape(what), maxValue: Math.Max(1, totalBytes)));
                await _ended.Task.ConfigureAwait(false);
            });
    }

    /// <summary>Shows how much is done.</summary>
    public void Show(long doneBytes) => _started.Task.GetAwaiter().GetResult().Value = doneBytes;

    public void Dispose()
    {
        _ended.TrySetResult();
        _drawing.GetAwaiter().GetResult();
    }
}
