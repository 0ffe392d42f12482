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

    /// <summary>C# that makes it, for a test.</summary>
    public override string ToString() => Together.Count == 0
        ? $"new Story(Geometry.{Geometry.Name}, [{string.Join(", ", First)}])"
        : $"new Story(Geometry.{Geometry.Name}, [{string.Join(", ", First)}], " +
            $"[{string.Join(", ", Together.Select(list => $"[{string.Join(", ", list)}]"))}], [{string.Join(", ", Decisions)}])";
}
