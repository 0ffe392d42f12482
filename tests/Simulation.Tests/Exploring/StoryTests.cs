using Cowloop.Simulation.Exploring;
using static Cowloop.Simulation.Exploring.Operation;

namespace Cowloop.Simulation.Tests.Exploring;

public class StoryTests
{
    [Fact]
    public void Its_text_is_the_code_that_makes_it() => Assert.Equal(
        "new Story(Geometry.Small, [Write(6, 2), DiscardFua(8, 1), PowerLoss(7), Merge(), SwitchDevice()])",
        new Story(Geometry.Small, [Write(6, 2), DiscardFua(8, 1), PowerLoss(7), Merge(), SwitchDevice()]).ToString());

    [Fact]
    public void So_is_that_of_one_with_threads() => Assert.Equal(
        "new Story(Geometry.Striped, [], [[Write(126, 2)], [Flush(), Clean()]], [0, 1]) { LiveWriteCount = 3 }",
        new Story(Geometry.Striped, [], [[Write(126, 2)], [Flush(), Clean()]], [0, 1]) { LiveWriteCount = 3 }.ToString());
}
