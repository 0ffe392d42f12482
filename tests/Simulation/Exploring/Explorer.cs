using System.Collections.Concurrent;
using Cowloop.Simulation.Scheduling;

namespace Cowloop.Simulation.Exploring;

/// <summary>
/// Looks for crashes that lose or spoil what was written: does stories with the real engine on a simulated disk, lets the power fail and the service
/// die wherever that makes a difference, recovers what is left and compares it with what may be read.
/// </summary>
/// <param name="plant">A bug that is to be found, or null.</param>
public sealed class Explorer(Plant? plant = null)
{
    // All subsets of eight sectors that were changed once.
    private const int MaxChoices = 256;
    private const int RandomChoices = 12;
    private const int RandomPositionsOneIn = 3;

    private readonly ConcurrentDictionary<Geometry, Examiner> _examiners = new();

    /// <summary>What has been looked at so far.</summary>
    public Report Report { get; } = new();

    /// <summary>Does one story and looks at all of its crashes.</summary>
    /// <returns>Null when all is well.</returns>
    public Violation? Check(Story story)
    {
        ArgumentNullException.ThrowIfNull(story);
        return Check(story, Report.Begin("one story"));
    }

    /// <summary>Checks all lists over three blocks up to a length, the shorter ones first. Every crash is looked at that a shorter list did not have.</summary>
    /// <param name="maxLength">The longest lists have so many operations.</param>
    /// <param name="liveWriteCount">How many writes of live bits find space on the tmpfs.</param>
    /// <param name="geometry">The device; <see cref="Geometry.Small"/> when it is left out.</param>
    /// <param name="beginning">What is done before; nothing when it is left out.</param>
    public Violation? CheckAll(int maxLength, int liveWriteCount = int.MaxValue, Geometry? geometry = null, params IReadOnlyList<Operation> beginning)
    {
        geometry ??= Geometry.Small;
        string live = liveWriteCount == int.MaxValue ? "" : $", tmpfs full after {liveWriteCount} writes";
        string before = beginning.Count == 0 ? "" : $" after {string.Join(", ", beginning)}";
        string on = geometry == Geometry.Small ? "" : $" on {geometry.Name}";
        Tally tally = Report.Begin($"all lists of up to {maxLength} operations{on}{before}{live}");
        for (int length = 1; length <= maxLength; length++)
        {
            Violation? violation = First(OperationLists.All(length, geometry, beginning), list =>
            {
                var story = new Story(geometry, [.. beginning, .. list]) { LiveWriteCount = liveWriteCount };
                return Run(story, Schedule.Fixed([]), new Sampling(MaxChoices), new Random(1), tally, newCrashesOnly: true);
            });
            if (violation is not null)
            {
                return Shrunk(violation);
            }
        }
        return null;
    }

    /// <summary>Checks random lists until so many crash points have been looked at.</summary>
    /// <param name="seed">Decides which lists.</param>
    /// <param name="crashCount">So many crash points.</param>
    /// <param name="geometries">The devices; <see cref="Geometry.Small"/> and <see cref="Geometry.Wide"/> when they are left out.</param>
    public Violation? CheckRandom(int seed, long crashCount, params Geometry[] geometries)
    {
        Tally tally = Report.Begin($"random lists{NamesOf(geometries)}, seed {seed}");
        return First(Seeds(seed, tally, crashCount), listSeed =>
        {
            var random = new Random(listSeed);
            Geometry geometry = Choose(random, geometries, Geometry.Small);
            var story = new Story(geometry, OperationLists.Random(random, geometry)) { LiveWriteCount = OperationLists.RandomLiveWriteCount(random) };
            return Run(story, Schedule.Fixed([]), new Sampling(RandomChoices, RandomPositionsOneIn), random, tally);
        }) is { } violation ? Shrunk(violation) : null;
    }

    /// <summary>
    /// Checks pairs of operations done at the same time, with every way to interrupt the threads at their calls on files up to so many times.
    /// </summary>
    public Violation? CheckAllTogether(int maxInterruptions)
    {
        Tally tally = Report.Begin($"two threads, all interleavings with up to {maxInterruptions} interruptions");
        return First(OperationLists.AllTogether(), story => CheckSchedules(story, [], maxInterruptions, tally)) is { } violation ? Shrunk(violation) : null;
    }

    /// <summary>Checks random lists done at the same time until so many crash points have been looked at.</summary>
    public Violation? CheckRandomTogether(int seed, long crashCount, params Geometry[] geometries)
    {
        Tally tally = Report.Begin($"two or three threads, random lists and interleavings{NamesOf(geometries)}, seed {seed}");
        return First(Seeds(seed, tally, crashCount), listSeed =>
        {
            var random = new Random(listSeed);
            Story story = OperationLists.RandomTogether(random, Choose(random, geometries, Geometry.Striped));
            return Run(story, Schedule.Random(listSeed), new Sampling(RandomChoices, RandomPositionsOneIn), random, tally, newCrashesOnly: true);
        }) is { } violation ? Shrunk(violation) : null;
    }

    private static Geometry Choose(Random random, Geometry[] geometries, Geometry usual) => geometries.Length > 0
        ? geometries[random.Next(geometries.Length)]
        : random.Next(3) == 0 ? Geometry.Wide : usual;

    private static string NamesOf(Geometry[] geometries) => geometries.Length == 0 ? "" : $" on {string.Join(" and ", geometries.Select(each => each.Name))}";

    private static IEnumerable<int> Seeds(int first, Tally tally, long crashCount)
    {
        for (int seed = first; tally.CrashCount < crashCount; seed = unchecked(seed * 1_000_003 + 1))
        {
            yield return seed;
        }
    }

    /// <summary>Checks on all processors until something is found.</summary>
    private static Violation? First<T>(IEnumerable<T> items, Func<T, Violation?> check)
    {
        Violation? first = null;
        Parallel.ForEach(items, (item, loop) =>
        {
            if (check(item) is { } violation)
            {
                Interlocked.CompareExchange(ref first, violation, null);
                loop.Stop();
            }
        });
        return first;
    }

    /// <summary>Runs a story with some decisions given, and then again with each other decision behind them.</summary>
    private Violation? CheckSchedules(Story story, IReadOnlyList<int> decisions, int maxInterruptions, Tally tally)
    {
        var schedule = Schedule.Fixed(decisions);
        Violation? violation = Run(story, schedule, new Sampling(MaxChoices), new Random(1), tally, newCrashesOnly: true);
        for (int step = decisions.Count; step < schedule.Options.Count && maxInterruptions > 0 && violation is null; step++)
        {
            for (int other = 1; other < schedule.Options[step] && violation is null; other++)
            {
                violation = CheckSchedules(story, [.. decisions, .. Enumerable.Repeat(0, step - decisions.Count), other], maxInterruptions - 1, tally);
            }
        }
        return violation;
    }

    private Violation Shrunk(Violation violation)
    {
        Tally tally = Report.Begin("shrinking what was found");
        return Shrinker.Shrink(violation, story => Check(story, tally));
    }

    private Violation? Check(Story story, Tally tally) => Run(story, Schedule.Fixed(story.Decisions), new Sampling(MaxChoices), new Random(1), tally);

    /// <param name="story">What is done.</param>
    /// <param name="schedule">Decides which thread goes on.</param>
    /// <param name="sampling">Which crashes are looked at.</param>
    /// <param name="random">Chooses among them.</param>
    /// <param name="tally">Counts.</param>
    /// <param name="newCrashesOnly">Only those after the last operation, or whatever is done together, has begun.</param>
    private Violation? Run(Story story, Schedule schedule, Sampling sampling, Random random, Tally tally, bool newCrashesOnly = false)
    {
        tally.CountStory();
        Examiner examiner = _examiners.GetOrAdd(story.Geometry, geometry => new Examiner(geometry));
        using var world = new World(story.Geometry, story.LiveWriteCount, plant);
        ViolationException? failure = null;
        try
        {
            world.Do(story.First);
            if (story.Together.Count > 0)
            {
                world.DoTogether(story.Together, schedule);
            }
        }
        catch (ViolationException violation)
        {
            failure = violation;
        }

        var check = new LifeCheck(story.Geometry, examiner, tally);
        try
        {
            foreach (Life life in world.Lives)
            {
                check.Run(life, newCrashesOnly ? sampling with { FirstPosition = life.OperationStarts.LastOrDefault(int.MaxValue) } : sampling, random);
                check.LosePower();
            }
        }
        catch (ViolationException violation)
        {
            failure = violation;
        }
        return failure is null ? null : new Violation(failure.Message, story with { Decisions = schedule.Taken });
    }
}
