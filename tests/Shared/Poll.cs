using System.Diagnostics;
using Xunit.Sdk;

namespace Cowloop.Tests.Support;

/// <summary>Waits for what comes soon but not at once. The deadline only ends a test that has failed.</summary>
internal static class Poll
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(2);

    /// <summary>Waits until something is so.</summary>
    public static void Until(string what, Func<bool> isSo)
    {
        if (!TryUntil(isSo))
        {
            throw new XunitException($"not so after {TimeLimit.TotalSeconds} s: {what}");
        }
    }

    /// <summary>Waits until nothing of something is left, and says what is.</summary>
    public static void UntilNone(string what, Func<IEnumerable<string>> left)
    {
        if (!TryUntil(() => !left().Any()))
        {
            throw new XunitException($"{what}: {string.Join(", ", left())}");
        }
    }

    /// <summary>Waits for a task and throws what it threw.</summary>
    public static T UntilDone<T>(string what, Task<T> task)
    {
        Until(what, () => task.IsCompleted);
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Waits for a task and throws what it threw.</summary>
    public static void UntilDone(string what, Task task)
    {
        Until(what, () => task.IsCompleted);
        task.GetAwaiter().GetResult();
    }

    public static bool TryUntil(Func<bool> isSo)
    {
        var waited = Stopwatch.StartNew();
        while (!isSo())
        {
            if (waited.Elapsed > TimeLimit)
            {
                return false;
            }
            Thread.Sleep(Interval);
        }
        return true;
    }
}
