using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Cowloop.Simulation.Scheduling;

/// <summary>
/// Runs real threads one at a time. Each stops at every switch point, and a schedule decides which one goes on; so the same schedule gives the
/// same run.
/// </summary>
/// <remarks>
/// A thread may wait for a lock that a stopped one holds. Nobody tells, so the runtime and the kernel are asked: a thread waits when the one says that it
/// waits for something and the other that it sleeps; then another one is let go on. A thread that is given its lock is awake at once, and runs
/// beside the one that gave it up to its own next switch point. Which of them takes another lock first can differ from run to run; that
/// is rare, and never makes a run untrue.
/// </remarks>
internal sealed class Scheduler
{
    private static readonly TimeSpan DeadlockTime = TimeSpan.FromSeconds(20);

    [ThreadStatic]
    private static Worker? _current;

    private enum State
    {
        Running,
        Stopped,
        Ended,
    }

    /// <summary>Lets another thread go on, if this is one of those that are scheduled.</summary>
    public void SwitchPoint()
    {
        if (_current is { } worker && worker.Owner == this)
        {
            worker.Stop();
        }
    }

    /// <summary>Runs actions on threads of their own. The first failure is thrown when all have ended.</summary>
    /// <exception cref="TimeoutException">They wait for each other; they are abandoned.</exception>
    public void Run(IReadOnlyList<Action> actions, Schedule schedule)
    {
        var workers = new Worker[actions.Count];
        for (int index = 0; index < workers.Length; index++)
        {
            workers[index] = new Worker(this, actions[index]);
        }
        Worker? last = null;
        var ready = new List<Worker>();
        while (WaitUntilAllStand(workers))
        {
            ready.Clear();
            if (last?.State == State.Stopped)
            {
                ready.Add(last);
            }
            foreach (Worker worker in workers)
            {
                if (worker.State == State.Stopped && worker != last)
                {
                    ready.Add(worker);
                }
            }
            last = ready[ready.Count > 1 ? schedule.Next(ready.Count) : 0];
            last.GoOn();
        }
        foreach (Worker worker in workers)
        {
            using (worker)
            {
                worker.Join();
            }
        }
    }

    /// <summary>Waits until nobody runs any more and somebody could.</summary>
    /// <returns>False when all have ended.</returns>
    private static bool WaitUntilAllStand(Worker[] workers)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            int running = 0, waiting = 0, stopped = 0;
            foreach (Worker worker in workers)
            {
                switch (worker.State)
                {
                    case State.Stopped:
                        stopped++;
                        break;
                    case State.Running when worker.IsAsleep:
                        waiting++;
                        break;
                    case State.Running:
                        running++;
                        break;
                }
            }
            if (running == 0 && (stopped > 0 || waiting == 0))
            {
                return stopped > 0;
            }
            if (running == 0 && Stopwatch.GetElapsedTime(start) > DeadlockTime)
            {
                throw new TimeoutException("the threads wait for each other");
            }
            Thread.Yield();
        }
    }

    private sealed class Worker : IDisposable
    {
        private readonly Thread _thread;
        private readonly SemaphoreSlim _mayGoOn = new(0);
        private volatile State _state;
        private KernelThread? _kernelThread;
        private ExceptionDispatchInfo? _failure;

        public Worker(Scheduler owner, Action action)
        {
            Owner = owner;
            _thread = new Thread(() => Run(action)) { IsBackground = true };
            _thread.Start();
        }

        public Scheduler Owner { get; }

        public State State => _state;

        /// <summary>Waits for a lock, and has not got it.</summary>
        public bool IsAsleep => (_thread.ThreadState & System.Threading.ThreadState.WaitSleepJoin) != 0 && _kernelThread is { IsAsleep: true };

        public void Stop()
        {
            _state = State.Stopped;
            _mayGoOn.Wait();
        }

        public void GoOn()
        {
            _state = State.Running;
            _mayGoOn.Release();
        }

        public void Join()
        {
            _thread.Join();
            _failure?.Throw();
        }

        public void Dispose()
        {
            _mayGoOn.Dispose();
            _kernelThread?.Dispose();
        }

        private void Run(Action action)
        {
            _current = this;
            _kernelThread = KernelThread.Current();
            Stop();
            try
            {
                action();
            }
            catch (Exception exception)
            {
                _failure = ExceptionDispatchInfo.Capture(exception);
            }
            _state = State.Ended;
        }
    }
}
