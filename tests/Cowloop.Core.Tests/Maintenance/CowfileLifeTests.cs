using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>All that can happen to a cowfile, from its first block to its merge: the base then is what the same writes make of a copy of it.</summary>
public class CowfileLifeTests
{
    private const int StoryCount = 400;

    /// <summary>A failure prints the shortest story that still fails, and the seed to begin with.</summary>
    [Fact]
    public void Writes_arrive_in_the_base_whatever_happens_between() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(StoryCount).WithEndSize(60), Prop.ForAll(LifeStory.Arbitrary, Live));

    private static void Live(LifeStory story)
    {
        byte[] content = story.Base();
        using var life = new CowfileLife(content, story.Variant, story.BitmapDecides, story.CanPunch);
        foreach (LifeStep step in story.Steps)
        {
            life.Do(step);
        }
        life.End(story.End);

        AtRest.Repair(life.Cowfile);
        Assert.Empty(Checker.Run(AtRest.Named(life.Cowfile), new CheckedFile(new FlatFile(content), AtRest.BaseName), NobodyWatches.Instance));
        var merged = new MemoryFile(content);
        AtRest.Merge(merged, life.Cowfile);

        Assert.True(life.Expected.SequenceEqual(merged.ToArray()), $"differs at byte {life.Expected.CommonPrefixLength(merged.ToArray())}");
    }
}
