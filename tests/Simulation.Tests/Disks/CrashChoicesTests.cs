using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Disks;

public class CrashChoicesTests
{
    [Fact]
    public void Few_are_given_all()
    {
        string[] choices = [.. CrashChoices.Of([2, 3], 6, new Random(1)).Select(choice => string.Join(' ', choice))];

        Assert.Equal(["0 0", "0 1", "0 2", "1 0", "1 1", "1 2"], choices.Order());
    }

    [Fact]
    public void With_nothing_pending_there_is_one() => Assert.Empty(Assert.Single(CrashChoices.Of([], 6, new Random(1))));

    [Fact]
    public void Of_many_there_are_none_all_and_different_ones()
    {
        int[][] choices = [.. CrashChoices.Of([2, 3, 2, 2, 2, 2], 20, new Random(1)).Select(choice => choice.ToArray())];

        Assert.Equal(20, choices.Length);
        Assert.Equal([0, 0, 0, 0, 0, 0], choices[0]);
        Assert.Equal([1, 2, 1, 1, 1, 1], choices[1]);
        Assert.InRange(choices.Select(choice => string.Join(' ', choice)).Distinct().Count(), 10, 20);
        Assert.Contains(choices, choice => choice[1] == 1);
    }
}
