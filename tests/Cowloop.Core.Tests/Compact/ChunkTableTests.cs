using Cowloop.Core.Compact;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>The tables alone: what they say after each step, in the same boot and after a loss of power, and what they refuse.</summary>
public class ChunkTableTests
{
    // Ten chunks of four blocks; the last one has two.
    private static readonly CompactLayout Layout = new(new CowLayout(38), 4096);

    [Fact]
    public void A_claim_gives_a_place_once()
    {
        ChunkTableRig rig = ChunkTableRig.Load(ChunkTableRig.NewFile(Layout), Layout);

        Assert.True(rig.Table.Find(7).IsNone);
        Assert.Equal(Errno.None, rig.Table.Claim(7, out int seven));
        Assert.Equal(Errno.None, rig.Table.Claim(2, out int two));
        Assert.Equal(Errno.None, rig.Table.Claim(7, out int again));

        Assert.Equal((0, 1, 0, 2L), (seven, two, again, rig.Table.UsedChunkCount));
        Assert.True(rig.Table.Find(7).HoldsData);
        Assert.Equal(1, rig.Table.Find(2).Chunk);
    }

    [Fact]
    public void Only_chunks_with_bits_outlive_a_loss_of_power()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        ChunkTableRig rig = ChunkTableRig.Load(file, Layout);
        rig.Fill(7);
        Assert.Equal(Errno.None, rig.Table.Claim(2, out int two));
        Assert.Equal(Errno.None, rig.Table.Sync());

        ChunkTableRig same = ChunkTableRig.Load(file, Layout, isSameBoot: true);
        Assert.True(same.Table.Find(2).HoldsData && same.Table.Find(7).HoldsData);
        Assert.False(same.Valid.IsAnySet(8, 4));
        Assert.True(same.Valid.AreAllSet(28, 4) && same.Held.AreAllSet(28, 4));

        ChunkTableRig other = ChunkTableRig.Load(file, Layout);
        Assert.True(other.Table.Find(2).IsNone && other.Table.Find(7).HoldsData);
        Assert.Equal(1, other.Table.UsedChunkCount);
        // What it says of the other one is written before anything else takes its place.
        Assert.Equal(Errno.None, other.Table.WriteDirty());
        Assert.True(ChunkTableRig.Load(file, Layout, isSameBoot: true).Table.Find(2).IsNone);
        Assert.Equal(1, two);
    }

    [Fact]
    public void Bits_are_in_the_file_when_they_are_synced()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        ChunkTableRig rig = ChunkTableRig.Load(file, Layout);
        rig.Fill(9);

        Assert.True(ChunkTableRig.Load(file, Layout).Table.Find(9).IsNone);
        Assert.Equal(Errno.None, rig.Table.Sync());
        ChunkTableRig found = ChunkTableRig.Load(file, Layout);
        Assert.True(found.Table.Find(9).HoldsData && found.Valid.AreAllSet(36, 2));
        Assert.Equal(36, found.Valid.NextSet(0, 38));
    }

    [Fact]
    public void A_chunk_that_was_given_up_is_taken_again_only_after_a_sync()
    {
        ChunkTableRig rig = ChunkTableRig.Load(ChunkTableRig.NewFile(Layout), Layout);
        int first = rig.Fill(0);
        Assert.Equal(Errno.None, rig.Table.Sync());
        rig.Mark(0, isSet: false);
        Assert.Equal(Errno.None, rig.Table.Sync());

        Assert.Equal(Errno.None, rig.Table.Drop(0, areZerosValid: false));

        Assert.True(rig.Table.Find(0).IsNone);
        Assert.Equal(Errno.None, rig.Table.Claim(1, out int second));
        Assert.NotEqual(first, second);
        Assert.Equal(Errno.None, rig.Table.Sync());
        Assert.Equal(Errno.None, rig.Table.Claim(2, out int third));
        Assert.Equal(first, third);
    }

    /// <summary>Its zeros go to the map of zeros first, durably; then it is given up, durably; then it is taken again.</summary>
    [Fact]
    public void A_discarded_chunk_is_free_after_a_sync()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        var traced = new TracingFile(file);
        ChunkTableRig rig = ChunkTableRig.Load(traced, Layout);
        rig.Fill(0);
        Assert.Equal(Errno.None, rig.Table.Sync());
        traced.Forget();

        Assert.Equal(Errno.None, rig.Table.Drop(0, areZerosValid: true));
        Assert.False(rig.Table.Find(0).IsNone);
        Assert.False(rig.Table.Find(0).HoldsData);
        Assert.Equal(Errno.None, rig.Table.Claim(1, out int other));
        Assert.Equal(1, other);
        string table = $"write {Layout.TableOffsetBytes(0)}+512";
        Assert.Equal([table, table], traced.Calls);
        traced.Forget();

        Assert.Equal(Errno.None, rig.Table.Sync());

        Assert.Equal(["write 8192+512", "sync", table, "sync"], traced.Calls);
        Assert.True(rig.Table.Find(0).IsNone && rig.Zeros.Has(0));
        Assert.Equal(Errno.None, rig.Table.Claim(2, out int again));
        Assert.Equal(0, again);
        ChunkTableRig found = ChunkTableRig.Load(file, Layout);
        Assert.True(found.Valid.AreAllSet(0, 4));
        Assert.False(found.Held.IsAnySet(0, 4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Zeros_that_are_written_to_stay_zeros_for_others_until_that_is_synced(bool isSameBoot)
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        ChunkTableRig rig = ChunkTableRig.Load(file, Layout);
        Assert.Equal(Errno.None, rig.Zeros.Add(3, 1, out _));
        rig.Mark(3, isSet: true);

        Assert.Equal(Errno.None, rig.Table.Claim(3, out int chunk));

        Assert.True(rig.Held.AreAllSet(12, 4));
        byte[] content = Fixtures.Filled(4096, 1);
        Assert.Equal(Errno.None, file.ReadAt(Layout.ChunkOffsetBytes(chunk), content));
        Assert.Equal(new byte[4096], content);
        ChunkTableRig found = ChunkTableRig.Load(file, Layout, isSameBoot);
        Assert.Equal((false, isSameBoot), (found.Table.Find(3).IsNone, found.Table.Find(3).HoldsData));
        Assert.True(found.Valid.AreAllSet(12, 4));
        Assert.Equal(isSameBoot, found.Held.IsAnySet(12, 4));
        Assert.False(found.Zeros.Has(3));

        Assert.Equal(Errno.None, rig.Table.Sync());
        Assert.True(ChunkTableRig.Load(file, Layout).Table.Find(3).HoldsData);
    }

    /// <summary>The sync that runs says nothing about what was filled after it had begun.</summary>
    [Fact]
    public void What_is_filled_once_more_during_a_sync_is_not_complete_after_it()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        var traced = new TracingFile(file);
        ChunkTableRig rig = ChunkTableRig.Load(traced, Layout);
        Assert.Equal(Errno.None, rig.Zeros.Add(3, 1, out _));
        Assert.Equal(Errno.None, rig.Table.Claim(3, out _));
        traced.DuringNext("sync", () =>
        {
            Assert.Equal(Errno.None, rig.Table.Drop(3, areZerosValid: true));
            Assert.Equal(Errno.None, rig.Table.Claim(3, out _));
        });

        Assert.Equal(Errno.None, rig.Table.Sync());

        Assert.False(ChunkTableRig.Load(file, Layout).Table.Find(3).HoldsData);
        Assert.Equal(Errno.None, rig.Table.Sync());
        Assert.True(ChunkTableRig.Load(file, Layout).Table.Find(3).HoldsData);
    }

    [Fact]
    public void A_descriptor_with_bits_is_newer_than_the_map_of_zeros()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        Assert.Equal(Errno.None, ChunkTableRig.Load(file, Layout).Zeros.Add(3, 2, out _));
        ChunkTableRig.Put(file, Layout, 5, new ChunkDescriptor(4, ChunkState.Data), 0b0101);
        ChunkTableRig.Put(file, Layout, 6, new ChunkDescriptor(5, ChunkState.Data), 0);
        Assert.Equal(Errno.None, file.SetLength(Layout.ChunkOffsetBytes(7)));

        ChunkTableRig found = ChunkTableRig.Load(file, Layout, isSameBoot: true);

        Assert.Equal([true, false, true, false], Enumerable.Range(12, 4).Select(block => found.Valid.IsAnySet(block, 1)));
        Assert.False(found.Zeros.Has(3));
        // The other one has no bits: it is zeros, and its chunk is free.
        Assert.True(found.Valid.AreAllSet(16, 4) && found.Zeros.Has(4) && found.Table.Find(4).IsNone);
    }

    public static TheoryData<string> Beginnings => new("new", "zeros", "some zeros");

    [Theory]
    [MemberData(nameof(Beginnings))]
    public void Without_space_a_claim_changes_nothing(string beginning) => TryEveryFault(beginning, Errno.ENOSPC, FaultMoment.BeforeTheCall);

    /// <summary>Nobody knows then what was done of the call.</summary>
    [Theory]
    [MemberData(nameof(Beginnings))]
    public void A_claim_that_fails_leaves_nothing_twice(string beginning)
    {
        TryEveryFault(beginning, Errno.EIO, FaultMoment.BeforeTheCall);
        TryEveryFault(beginning, Errno.EIO, FaultMoment.AfterTheCall);
    }

    [Fact]
    public void What_can_have_no_descriptor_stays_as_it_is()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        ChunkTableRig rig = ChunkTableRig.Load(new FaultyFile(file, new PlannedFault(3, 1, Errno.ENOSPC, FaultMoment.BeforeTheCall)), Layout);
        Assert.Equal(Errno.ENOSPC, rig.Table.DescribeZeros(4));
        Assert.True(rig.Table.Find(4).IsNone);
        Assert.Equal(0, rig.Table.UsedChunkCount);

        Assert.Equal(Errno.None, rig.Table.DescribeZeros(4));
        Assert.False(rig.Table.Find(4).IsNone || rig.Table.Find(4).HoldsData);
        Assert.Equal(Errno.None, rig.Table.DescribeZeros(4));
        Assert.Equal(1, rig.Table.UsedChunkCount);
    }

    [Fact]
    public void A_drop_that_fails_changes_nothing()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        var faulty = new FaultyFile(file, new PlannedFault(1, 1, Errno.EIO, FaultMoment.BeforeTheCall)) { IsArmed = false };
        ChunkTableRig rig = ChunkTableRig.Load(faulty, Layout);
        rig.Fill(1);
        faulty.IsArmed = true;

        Assert.Equal(Errno.EIO, rig.Table.Drop(1, areZerosValid: true));

        Assert.True(rig.Table.Find(1).HoldsData && rig.Held.AreAllSet(4, 4));
        Assert.Equal(Errno.None, rig.Table.Sync());
        Assert.True(ChunkTableRig.Load(file, Layout).Table.Find(1).HoldsData);
    }

    [Fact]
    public void A_sync_that_fails_is_told_and_frees_nothing()
    {
        for (int call = 1; call <= 4; call++)
        {
            var faulty = new FaultyFile(ChunkTableRig.NewFile(Layout), new PlannedFault(call, 1, Errno.EIO, FaultMoment.AfterTheCall)) { IsArmed = false };
            ChunkTableRig rig = ChunkTableRig.Load(faulty, Layout);
            rig.Fill(0);
            Assert.Equal(Errno.None, rig.Table.Sync());
            Assert.Equal(Errno.None, rig.Table.Drop(0, areZerosValid: true));
            faulty.IsArmed = true;

            Assert.Equal(Errno.EIO, rig.Table.Sync());

            faulty.IsArmed = false;
            Assert.Equal(Errno.None, rig.Table.Claim(5, out int chunk));
            Assert.NotEqual(0, chunk);
        }
    }

    [Fact]
    public void Groups_follow_each_other()
    {
        var layout = new CompactLayout(new CowLayout(4 * 3000), 4096);
        MemoryFile file = ChunkTableRig.NewFile(layout);
        ChunkTableRig rig = ChunkTableRig.Load(file, layout);
        for (int chunk = 0; chunk < 3000; chunk++)
        {
            Assert.Equal(chunk, rig.Fill(2999 - chunk));
        }
        Assert.Equal(Errno.None, rig.Table.Sync());

        ChunkTableRig found = ChunkTableRig.Load(file, layout);

        Assert.Equal(3000, found.Table.UsedChunkCount);
        Assert.All(Enumerable.Range(0, 3000), chunk => Assert.Equal(2999 - chunk, found.Table.Find(chunk).Chunk));
    }

    public static TheoryData<string, uint, uint, ulong, string> BadDescriptors => new()
    {
        { "behind the end", 11, 0, 1, "has a damaged descriptor of chunk 3" },
        { "no state", 2, 3, 1, "has a damaged descriptor of chunk 3" },
        { "twice", 1, 0, 1, "holds chunk 0 of the device twice" },
        { "bits behind the end of the chunk", 2, 0, 0x10, "marks blocks behind the end of the device in chunk 3" },
        { "bits behind the end of the device", 10, 1, 4, "marks blocks behind the end of the device in chunk 3" },
        { "cut", 2, 0, 8, "is incomplete: it ends at byte " },
    };

    [Theory]
    [MemberData(nameof(BadDescriptors))]
    public void Descriptors_that_cannot_be_are_refused(string what, uint owner, uint state, ulong bits, string reason)
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        ChunkTableRig.Put(file, Layout, 0, new ChunkDescriptor(1, ChunkState.Data), 1);
        ChunkTableRig.Put(file, Layout, 3, new ChunkDescriptor(owner, (ChunkState)state), bits);
        Assert.Equal(Errno.None, file.SetLength(Layout.ChunkOffsetBytes(3) + 3072));

        CowloopException refused = Assert.Throws<CowloopException>(() => ChunkTableRig.Load(file, Layout));

        Assert.True(refused.Fault == Fault.Damaged, what);
        Assert.StartsWith($"compact store a store {reason}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_map_of_zeros_behind_the_end_is_refused()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        Assert.Equal(Errno.None, ChunkTableRig.Load(file, Layout).Zeros.Add(10, 1, out _));

        Assert.Equal(Fault.Damaged, Assert.Throws<CowloopException>(() => ChunkTableRig.Load(file, Layout)).Fault);
    }

    [Fact]
    public void A_damaged_sector_and_one_that_cannot_be_read_are_refused()
    {
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        ChunkTableRig rig = ChunkTableRig.Load(file, Layout);
        rig.Fill(0);
        Assert.Equal(Errno.None, rig.Table.Sync());
        for (int call = 2; call <= 3; call++)
        {
            CowloopException unread = Assert.Throws<CowloopException>(
                () => ChunkTableRig.Load(new FaultyFile(file, new PlannedFault(call, 1, Errno.EIO, FaultMoment.AfterTheCall)), Layout));
            Assert.Equal((Fault.ReadBitmap, Errno.EIO), (unread.Fault, unread.Errno));
        }
        Assert.Equal(Errno.None, file.WriteAt(Layout.TableOffsetBytes(0) + 100, [1]));

        CowloopException refused = Assert.Throws<CowloopException>(() => ChunkTableRig.Load(file, Layout));
        Assert.Equal((Fault.Damaged, "compact store a store has a damaged sector 0 of its table 0"), (refused.Fault, refused.Message));
    }

    private static ChunkTableRig Begin(IBlockFile file, string beginning)
    {
        ChunkTableRig rig = ChunkTableRig.Load(file, Layout);
        if (beginning == "zeros")
        {
            Assert.Equal(Errno.None, rig.Zeros.Add(3, 1, out _));
            rig.Mark(3, isSet: true);
        }
        else if (beginning == "some zeros")
        {
            Assert.Equal(Errno.None, rig.Table.DescribeZeros(3));
            rig.Valid.Set(13, 2, isSet: true);
            rig.Table.NoteBits(3, areTakenBack: false);
        }
        Assert.Equal(Errno.None, rig.Table.Sync());
        return rig;
    }

    private static void TryEveryFault(string beginning, Errno errno, FaultMoment moment)
    {
        int faultCount = 0;
        for (int call = 1; ; call++)
        {
            MemoryFile file = ChunkTableRig.NewFile(Layout);
            var faulty = new FaultyFile(file, new PlannedFault(call, 1, errno, moment)) { IsArmed = false };
            ChunkTableRig rig = Begin(faulty, beginning);
            (ChunkPlace place, long usedCount) = (rig.Table.Find(3), rig.Table.UsedChunkCount);
            faulty.IsArmed = true;
            Errno found = rig.Table.Claim(3, out _);
            faulty.IsArmed = false;
            if (!faulty.HasFired)
            {
                break;
            }
            faultCount++;
            Assert.Equal(errno, found);
            Assert.Equal((place, usedCount), (rig.Table.Find(3), rig.Table.UsedChunkCount));
            Assert.False(rig.Held.IsAnySet(12, 4));

            // The place that it would have had goes to another one.
            Assert.Equal(Errno.None, rig.Table.Claim(8, out _));
            Assert.Equal(Errno.None, rig.Table.Claim(3, out int chunk));
            Assert.True(ChunkTableRig.Load(file, Layout, isSameBoot: true).Table.Find(3).HoldsData);
            Assert.Equal(Errno.None, rig.Table.Sync());
            ChunkTableRig after = ChunkTableRig.Load(file, Layout, isSameBoot: true);
            Assert.Equal(chunk, after.Table.Find(3).Chunk);
            Assert.True(after.Valid.Words.SequenceEqual(rig.Valid.Words));
        }
        Assert.InRange(faultCount, 1, 10);
    }
}
