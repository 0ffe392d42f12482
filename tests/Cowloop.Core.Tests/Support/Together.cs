using System.Runtime.ExceptionServices;

namespace Cowloop.Core.Tests.Support;

/// <summary>Runs an action on several threads that start together; the first failure is thrown when all have ended.</summary>
internal static class Together
{
    public static void Run(int threadCount, Action<int> action)
    {
        using var start = new Barrier(threadCount);
        ExceptionDispatchInfo? failure = null;
        var threads = new Thread[threadCount];
        for (int index = 0; index < threadCount; index++)
        {
            int number = index;
            threads[index] = new Thread(() =>
            {
                start.SignalAndWait();
                try
                {
                    action(number);
                }
                catch (Exception exception)
                {
                    Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);
                }
            });
            threads[index].Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        failure?.Throw();
    }

    /// <summary>Starts a thread that is expected to wait for something, and returns when it does (or has ended).</summary>
    public static Thread StartWaiter(Action action)
    {
        var thread = new Thread(() => action()) { IsBackground = true };
        thread.Start();
        SpinWait.SpinUntil(() => (thread.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0);
        return thread;
    }
}
