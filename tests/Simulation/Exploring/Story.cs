namespace Cowloop.Simulation.Exploring;

/// <summary>What is done: a list of operations, and then perhaps several lists at the same time.</summary>
/// <param name="Geometry">How large the device is.</param>
/// <param name="First">What is done first, one after the other.</param>
/// <param name="Together">What threads then do at the same time, one list each.</param>
/// <param name="Decisions">Which thread goes on at each switch; see <see cref="Scheduling.Schedule"/>.</param>
public sealed record Story(Geometry Geometry, IReadOnlyList<Operation> First, IReadOnlyList<IReadOnlyList<Operation>> Together, IReadOnlyList<int> Decisions)
{
    public Story(Geometry geometry, IReadOnlyList<Operation> operations)
        : this(geometry, operations, [], [])
    {
    }

    /// <summary>How many writes of live bits find space on the tmpfs, each time the device is activated.</summary>
    public int LiveWriteCount { get; init; } = int.MaxValue;

    /// <summary>C# that makes it, for a test.</summary>
    public override string ToString()
    {
        string together = Together.Count == 0 ? "" : $", [{string.Join(", ", Together.Select(ListOf))}], {ListOf(Decisions)}";
        string live = LiveWriteCount == int.MaxValue ? "" : $" {{ LiveWriteCount = {LiveWriteCount} }}";
        return $"new Story(Geometry.{Geometry.Name}, {ListOf(First)}{together}){live}";
    }

    private static string ListOf<T>(IReadOnlyList<T> items) => $"[{string.Join(", ", items)}]";
}
