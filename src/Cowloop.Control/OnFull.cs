using System.Globalization;
using Cowloop.Core;

namespace Cowloop.Control;

/// <summary>What a device does with a change that finds no space: <c>error</c>, <c>wait</c> or <c>wait:SECONDS</c>.</summary>
/// <param name="WaitTime">
/// How long the change waits before it fails. <see cref="TimeSpan.Zero"/>: not at all. <see cref="Timeout.InfiniteTimeSpan"/>: without an end.
/// </param>
public readonly record struct OnFull(TimeSpan WaitTime)
{
    private const string ErrorText = "error";
    private const string WaitText = "wait";
    private const int MaxSeconds = 31 * 24 * 3600;

    /// <summary>What is said to be so where nothing else is: the change fails at once, as the original's did.</summary>
    public static OnFull Error { get; } = new(TimeSpan.Zero);

    /// <summary>For devices that hold filesystems: time to make space, and an end if nobody does.</summary>
    public static OnFull WaitAMinute { get; } = new(TimeSpan.FromSeconds(60));

    /// <summary>Reads the text.</summary>
    /// <exception cref="CowloopException">It is none of them.</exception>
    public static OnFull Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == ErrorText)
        {
            return Error;
        }
        if (text == WaitText)
        {
            return new OnFull(Timeout.InfiniteTimeSpan);
        }
        return text.StartsWith($"{WaitText}:", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(WaitText.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
            && seconds is > 0 and <= MaxSeconds
            ? new OnFull(TimeSpan.FromSeconds(seconds))
            : throw new CowloopException(
                Errno.EINVAL,
                $"'{text}' does not say what to do when the disk is full",
                $"give {ErrorText}, {WaitText} or {WaitText}:SECONDS, 1 to {MaxSeconds}");
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (WaitTime == TimeSpan.Zero)
        {
            return ErrorText;
        }
        return WaitTime == Timeout.InfiniteTimeSpan ? WaitText : string.Create(CultureInfo.InvariantCulture, $"{WaitText}:{(long)WaitTime.TotalSeconds}");
    }
}
