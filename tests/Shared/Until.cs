using System.Diagnostics;

namespace Cowloop.Tests.Support;

/// <summary>Waits for what the kernel or another thread does in its own time. The deadline only ends a test that has failed.</summary>
internal static class Until
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollTime = TimeSpan.FromMilliseconds(2);

    public static void True(Func<bool> condition, string what)
    {
        for (var waited = Stopwatch.StartNew(); !condition(); Thread.Sleep(PollTime))
        {
            Assert.True(waited.Elapsed < Deadline, $"still waiting until {what}");
        }
    }

    /// <summary>Waits for a task and throws what it threw.</summary>
    public static T Done<T>(Task<T> task, string what)
    {
        True(() => task.IsCompleted, what);
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Waits for a task and throws what it threw.</summary>
    public static void Done(Task task, string what)
    {
        True(() => task.IsCompleted, what);
        task.GetAwaiter().GetResult();
    }
}
