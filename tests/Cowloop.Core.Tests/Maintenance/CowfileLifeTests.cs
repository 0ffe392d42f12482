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
        Assert.Empty(Checker.Run(AtRest.Named(life.Cowfile), new CheckedFile(new FlatFile(content), Disk.BaseName), NobodyWatches.Instance));
        MemoryFile unpacked = UnpackedAgain(life.Cowfile);
        AtRest.Repair(unpacked);
        var merged = new MemoryFile(content);
        AtRest.Merge(merged, unpacked);

        Assert.True(life.Expected.SequenceEqual(merged.ToArray()), $"differs at byte {life.Expected.CommonPrefixLength(merged.ToArray())}");
    }

    /// <summary>Packed in both forms, one made of the other's result.</summary>
    private static MemoryFile UnpackedAgain(MemoryFile cowfile)
    {
        var plain = new MemoryFile();
        Packer.Prepare(AtRest.Named(cowfile)).Run(PackedTarget.Plain(AtRest.Named(plain)), NobodyWatches.Instance);
        var once = new MemoryFile();
        Unpacker.Prepare(PackedSource.Plain(AtRest.Named(plain))).Run(AtRest.Named(once), NobodyWatches.Instance);
        using var stream = new MemoryStream();
        Packer.Prepare(AtRest.Named(once)).Run(PackedTarget.Unpadded(stream), NobodyWatches.Instance);
        stream.Position = 0;
        var twice = new MemoryFile();
        Unpacker.Prepare(PackedSource.Unpadded(stream, "stream")).Run(AtRest.Named(twice), NobodyWatches.Instance);
        return twice;
    }
}
