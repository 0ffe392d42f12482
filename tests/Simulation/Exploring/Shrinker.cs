namespace Cowloop.Simulation.Exploring;

/// <summary>Makes a story that shows a violation as short and plain as it can be.</summary>
internal static class Shrinker
{
    /// <param name="violation">What was found.</param>
    /// <param name="check">Checks another story.</param>
    /// <returns>The violation of the simplest story found.</returns>
    public static Violation Shrink(Violation violation, Func<Story, Violation?> check)
    {
        while (Simpler(violation.Story).Select(check).FirstOrDefault(found => found is not null) is { } simpler)
        {
            violation = simpler;
        }
        return violation;
    }

    private static IEnumerable<Story> Simpler(Story story)
    {
        if (story.LiveWriteCount < int.MaxValue)
        {
            yield return story with { LiveWriteCount = int.MaxValue };
        }
        for (int thread = 0; thread < story.Together.Count; thread++)
        {
            yield return story with { Together = Without(story.Together, thread) };
        }
        foreach (IReadOnlyList<Operation> list in Simpler(story.First))
        {
            yield return story with { First = list };
        }
        for (int thread = 0; thread < story.Together.Count; thread++)
        {
            foreach (IReadOnlyList<Operation> list in Simpler(story.Together[thread]))
            {
                yield return story with { Together = With(story.Together, thread, list) };
            }
        }
        for (int decision = 0; decision < story.Decisions.Count; decision++)
        {
            if (story.Decisions[decision] != 0)
            {
                yield return story with { Decisions = With(story.Decisions, decision, 0) };
            }
        }
    }

    private static IEnumerable<IReadOnlyList<Operation>> Simpler(IReadOnlyList<Operation> list)
    {
        for (int place = 0; place < list.Count; place++)
        {
            yield return Without(list, place);
        }
        for (int place = 0; place < list.Count; place++)
        {
            foreach (Operation operation in Simpler(list[place]))
            {
                yield return With(list, place, operation);
            }
        }
    }

    private static IEnumerable<Operation> Simpler(Operation operation)
    {
        if (operation.IsFua)
        {
            yield return operation with { Kind = operation.Kind - 1 };
        }
        if (operation.Kind is OperationKind.Zero or OperationKind.Discard)
        {
            yield return operation with { Kind = OperationKind.Write };
        }
        if (operation.HasRange && operation.SectorCount > 1)
        {
            yield return operation with { SectorCount = operation.SectorCount / 2 };
            yield return operation with { Sector = operation.Sector + operation.SectorCount / 2, SectorCount = operation.SectorCount - operation.SectorCount / 2 };
        }
        if (operation.Kind == OperationKind.PowerLoss && operation.Sector > 0)
        {
            yield return operation with { Sector = operation.Sector / 2 };
        }
    }

    private static T[] Without<T>(IReadOnlyList<T> list, int place) => [.. list.Take(place), .. list.Skip(place + 1)];

    private static T[] With<T>(IReadOnlyList<T> list, int place, T item) => [.. list.Take(place), item, .. list.Skip(place + 1)];
}
