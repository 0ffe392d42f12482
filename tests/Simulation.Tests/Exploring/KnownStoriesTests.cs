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

    [Fact]
    public void A_block_whose_bit_is_kept_for_a_kill_survives_one_while_the_cowfile_gets_another_parent() =>
        MustBeAllRight(new Story(Geometry.Small, [Snapshot(), Snapshot(), Write(9, 1), MergeLive()]));

    [Fact]
    public void A_new_cowfile_lies_on_the_layer_that_is_there_and_not_on_one_that_was_merged_away() =>
        MustBeAllRight(new Story(Geometry.Small, [Snapshot(), Snapshot(), MergeLive(), Rollback()]));

    [Fact]
    public void A_block_written_where_a_discard_left_its_bit_survives_a_kill_while_another_cowfile_gets_on_top() =>
        MustBeAllRight(new Story(
            Geometry.Compact, [], [[WriteFua(14, 1), Snapshot()], [Discard(15, 5), Clean(), Write(18, 1)]], [0, 0, 1, 0, 0, 1]));

    private static void MustBeAllRight(Story story)
    {
        Violation? violation = new Explorer().Check(story);
        Assert.True(violation is null, violation?.ToString());
    }
}
