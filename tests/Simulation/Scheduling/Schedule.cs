namespace Cowloop.Simulation.Scheduling;

/// <summary>
/// Decides at each switch which of the threads that could go on does. Decision 0 lets the one go on that was running, if it can: so a list of decisions
/// tells by its other numbers where threads are interrupted.
/// </summary>
public abstract class Schedule
{
    private readonly List<int> _taken = [];
    private readonly List<int> _options = [];

    /// <summary>What was decided so far, up to the last interruption: with <see cref="Fixed"/> the same threads do the same again.</summary>
    public IReadOnlyList<int> Taken => _taken[..(_taken.FindLastIndex(decision => decision > 0) + 1)];

    /// <summary>Decides by chance: half of the time nobody is interrupted.</summary>
    public static Schedule Random(int seed) => new RandomSchedule(seed);

    /// <summary>Takes these decisions, and behind their end always the first thread.</summary>
    public static Schedule Fixed(IReadOnlyList<int> decisions) => new FixedSchedule(decisions);

    /// <summary>How many threads there were to choose from at each decision.</summary>
    public IReadOnlyList<int> Options => _options;

    internal int Next(int threadCount)
    {
        _options.Add(threadCount);
        int decision = Decide(_taken.Count, threadCount);
        _taken.Add(decision);
        return decision;
    }

    /// <param name="step">Number of the decision.</param>
    /// <param name="threadCount">How many threads could go on.</param>
    /// <returns>Which of them does, from 0.</returns>
    protected abstract int Decide(int step, int threadCount);

    private sealed class RandomSchedule(int seed) : Schedule
    {
        private readonly Random _random = new(seed);

        protected override int Decide(int step, int threadCount) => Math.Max(0, _random.Next(2 * threadCount) - threadCount);
    }

    private sealed class FixedSchedule(IReadOnlyList<int> decisions) : Schedule
    {
        protected override int Decide(int step, int threadCount) => step < decisions.Count ? Math.Min(decisions[step], threadCount - 1) : 0;
    }
}
