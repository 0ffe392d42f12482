using System.Diagnostics;
using Xunit.Sdk;

namespace Cowloop.SystemTests.Support;

/// <summary>Waits for what comes soon but not at once.</summary>
internal static class Poll
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

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
