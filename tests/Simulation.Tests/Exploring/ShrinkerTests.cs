using Cowloop.Simulation.Exploring;
using static Cowloop.Simulation.Exploring.Operation;

namespace Cowloop.Simulation.Tests.Exploring;

public class ShrinkerTests
{
    [Fact]
    public void What_is_not_needed_goes()
    {
        var story = new Story(
            Geometry.Small,
            [Write(6, 6), Flush(), WriteFua(8, 4), Kill()],
            [[Flush()], [Discard(6, 2), Clean()]],
            [0, 1, 0, 1])
        {
            LiveWriteCount = 2,
        };

        // Wrong is every story in which sector 9 is written and then the service killed.
        Violation shrunk = Shrinker.Shrink(new Violation("first", story), simpler =>
        {
            List<Operation> list = [.. simpler.First];
            int write = list.FindIndex(operation => operation.HasRange && operation.Sector <= 9 && operation.Sector + operation.SectorCount > 9);
            return write >= 0 && list.FindIndex(write, operation => operation.Kind == OperationKind.Kill) > 0 ? new Violation("simpler", simpler) : null;
        });

        Assert.Equal("new Story(Geometry.Small, [Write(9, 1), Kill()])", shrunk.Story.ToString());
    }

    [Fact]
    public void What_cannot_be_made_simpler_stays()
    {
        var violation = new Violation("found", new Story(Geometry.Small, [Write(6, 1)]));

        Assert.Same(violation, Shrinker.Shrink(violation, _ => null));
    }
}
