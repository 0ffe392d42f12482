using Cowloop.Simulation.Exploring;
using static Cowloop.Simulation.Exploring.Operation;

namespace Cowloop.Simulation.Tests.Exploring;

/// <summary>What the explorer has found once, as short as it could be made.</summary>
public class KnownStoriesTests
{
    [Fact]
    public void A_block_overwritten_in_a_clean_cowfile_before_a_kill_is_durable_after_a_flush() =>
        MustBeAllRight(new Story(Geometry.Wide, [Write(16384, 1), Deactivate(), Write(16384, 1), Kill(), Flush()]));

    [Fact]
    public void A_block_whose_bit_another_writer_has_yet_to_publish_survives_a_kill() =>
        MustBeAllRight(new Story(Geometry.Wide, [], [[Write(16382, 1)], [Write(16382, 1)]], [0, 0, 1, 0, 1]) { LiveWriteCount = 1 });

    private static void MustBeAllRight(Story story)
    {
        Violation? violation = new Explorer().Check(story);
        Assert.True(violation is null, violation?.ToString());
    }
}
