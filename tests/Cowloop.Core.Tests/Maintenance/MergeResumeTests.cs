using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>Which bases are taken for one whose merge was interrupted. That every interrupted one is: MergerCrashTests.</summary>
public class MergeResumeTests
{
    /// <summary>Blocks inside and outside the window of R, which is blocks 0 to 3. One more block could have been counted if block 0 was not.</summary>
    private static readonly CowImage Changes = new CowImage().With(0, 1, 0x41).With(2, 1, 0x42).With(100, 2, 0x43);

    /// <summary>All outside the window is written, and half of what is inside.</summary>
    private static byte[] Interrupted
    {
        get
        {
            byte[] content = Changes.MergedInto(Fixtures.R);
            Fixtures.R.AsSpan(2048 + 512, 512).CopyTo(content.AsSpan(2048 + 512));
            return content;
        }
    }

    [Fact]
    public void An_interrupted_merge_is_finished()
    {
        var baseFile = new MemoryFile(Interrupted);

        AtRest.Merge(baseFile, Changes.ToSparse(), resume: true);

        Assert.Equal(Changes.MergedInto(Fixtures.R), baseFile.ToArray());
    }

    [Fact]
    public void Without_asking_for_it_the_hint_names_resume_and_nothing_is_changed()
    {
        var baseFile = new TracingFile(new MemoryFile(Interrupted));

        var exception = Assert.Throws<CowloopException>(() => AtRest.Prepare(baseFile, Changes.ToSparse()));

        Assert.Equal(Fault.OtherBase, exception.Fault);
        Assert.Equal(
            "if a merge of these two was interrupted, --resume finishes it: everything but the fingerprinted blocks is there already",
            exception.Hint);
        Assert.False(baseFile.HasChanges);
    }

    [Fact]
    public void A_finished_merge_can_be_resumed_once_more()
    {
        var baseFile = new MemoryFile(Changes.MergedInto(Fixtures.R));

        AtRest.Merge(baseFile, Changes.ToSparse(), resume: true);

        Assert.Equal(Changes.MergedInto(Fixtures.R), baseFile.ToArray());
    }

    [Fact]
    public void A_base_that_was_not_begun_needs_no_resume_and_takes_it()
    {
        var baseFile = new MemoryFile(Fixtures.R);

        AtRest.Merge(baseFile, Changes.ToSparse(), resume: true);

        Assert.Equal(Changes.MergedInto(Fixtures.R), baseFile.ToArray());
    }

    [Fact]
    public void A_base_of_another_size_is_refused()
    {
        AssertRefused([.. Interrupted, .. new byte[1024]]);
        AssertRefused(Interrupted[..^1024]);
    }

    [Fact]
    public void A_foreign_base_is_refused() => AssertRefused(Fixtures.RandomBytes(new Random(1), 1 << 20));

    [Fact]
    public void A_changed_block_of_the_window_that_the_cowfile_does_not_hold_is_refused()
    {
        byte[] content = Interrupted;
        content[1024 + 7]++;

        AssertRefused(content);
    }

    [Fact]
    public void A_block_behind_the_window_that_is_not_merged_is_refused()
    {
        byte[] content = Interrupted;
        content[101 * 1024 + 7]++;

        AssertRefused(content);
    }

    /// <summary>The user may have changed it: it is not the merge's.</summary>
    [Fact]
    public void A_changed_block_behind_the_window_that_the_cowfile_does_not_hold_is_kept()
    {
        byte[] content = Interrupted;
        content[500 * 1024]++;
        byte[] expected = Changes.MergedInto(Fixtures.R);
        expected[500 * 1024]++;
        var baseFile = new MemoryFile(content);

        AtRest.Merge(baseFile, Changes.ToSparse(), resume: true);

        Assert.Equal(expected, baseFile.ToArray());
    }

    /// <summary>Sums are counted in order, and none is zero, so no base has such a fingerprint.</summary>
    [Fact]
    public void A_fingerprint_with_a_gap_belongs_to_no_base()
    {
        CowImage changes = new CowImage { BlockCount = 8, Fingerprint = 0x00030001 }.With(0, 1, 0x41).With(7, 1, 0x42);

        Assert.Throws<CowloopException>(() => AtRest.Prepare(new MemoryFile(new byte[8192]), changes.ToSparse(), resume: true));
    }

    [Fact]
    public void A_cowfile_that_is_not_sound_is_not_resumed()
    {
        CowImage damaged = Changes with { WrongUsedBlocks = 3 };

        Assert.Equal(Fault.Damaged, Assert.Throws<CowloopException>(() => AtRest.Prepare(new MemoryFile(Interrupted), damaged.ToSparse(), resume: true)).Fault);
    }

    /// <summary>Bases with fewer than four counted blocks are all window: their size and their unchanged blocks must do.</summary>
    [Fact]
    public void With_few_counted_blocks_the_unchanged_ones_decide()
    {
        byte[] content = new byte[16 * 1024];
        content[3 * 1024] = 5;
        CowImage changes = new CowImage { BlockCount = 16, Fingerprint = 5 }.With(8, 2, 0x42);
        changes = changes with { Data = changes.Data.SetItem(8, [1, .. new byte[1023]]) };
        byte[] begun = [.. content];
        begun[8 * 1024] = 1;
        byte[] foreign = [.. begun];
        foreign[15 * 1024] = 1;
        MemoryFile cowfile = changes.ToSparse();
        var baseFile = new MemoryFile(begun);

        AtRest.Merge(baseFile, cowfile, resume: true);

        Assert.Equal(changes.MergedInto(content), baseFile.ToArray());
        Assert.Throws<CowloopException>(() => AtRest.Prepare(new MemoryFile(foreign), cowfile, resume: true));
    }

    [Fact]
    public void Of_a_base_of_zeros_only_cow_blocks_may_differ()
    {
        CowImage changes = new CowImage { BlockCount = 16, Fingerprint = 0 }.With(8, 1, 0x40);
        changes = changes with { Data = changes.Data.SetItem(8, [1, .. new byte[1023]]) };
        byte[] begun = new byte[16 * 1024];
        begun[8 * 1024] = 1;
        byte[] foreign = new byte[16 * 1024];
        foreign[9 * 1024] = 1;

        AtRest.Prepare(new MemoryFile(begun), changes.ToSparse(), resume: true);

        Assert.Throws<CowloopException>(() => AtRest.Prepare(new MemoryFile(foreign), changes.ToSparse(), resume: true));
    }

    /// <summary>
    /// Against every content that the cow blocks can have had: accepted exactly when with one of them the fingerprint is right and all cow
    /// blocks behind its window are merged.
    /// </summary>
    [Fact]
    public void Accepts_what_an_interrupted_merge_explains_and_nothing_else()
    {
        int accepted = 0;
        for (int seed = 1; seed <= 1200; seed++)
        {
            var puzzle = new ResumePuzzle(seed);

            bool isPossible = puzzle.Ask();

            Assert.True(isPossible == puzzle.IsExplained(), $"seed {seed}: {isPossible} for {puzzle}");
            accepted += isPossible ? 1 : 0;
        }
        Assert.InRange(accepted, 120, 1080);
    }

    [Fact]
    public void Comparing_tells_its_progress()
    {
        CowImage changes = Changes.With(300, 500, 0x44);
        byte[] content = changes.MergedInto(Fixtures.R);
        var observer = new StoppingObserver();

        AtRest.Prepare(new MemoryFile(content), changes.ToSparse(), resume: true, observer);

        Assert.Equal([("comparing", 504 * 1024L)], observer.Begun);
        Assert.Equal(504 * 1024, observer.DoneBytes);
    }

    private static void AssertRefused(byte[] content)
    {
        var baseFile = new TracingFile(new MemoryFile(content));

        var exception = Assert.Throws<CowloopException>(() => AtRest.Prepare(baseFile, Changes.ToSparse(), resume: true));

        Assert.Equal(Fault.OtherBase, exception.Fault);
        Assert.Equal("name the rdofile that this cowfile was made for, unchanged", exception.Hint);
        Assert.False(baseFile.HasChanges);
    }

    /// <summary>A few blocks, each known by its sum alone: one byte and zeros.</summary>
    private sealed class ResumePuzzle
    {
        private const int SumCount = 3;

        private readonly int[] _found;
        private readonly int[] _wanted;
        private readonly bool[] _isCow;
        private readonly uint _fingerprint;

        public ResumePuzzle(int seed)
        {
            var random = new Random(seed);
            int blockCount = random.Next(2, 8);
            _found = Sums(random, blockCount);
            _wanted = Sums(random, blockCount);
            _isCow = [.. _found.Select(_ => random.Next(2) == 0)];
            int[] before = Sums(random, blockCount);
            for (int block = 0; block < blockCount; block++)
            {
                before[block] = _isCow[block] ? before[block] : _found[block];
                _found[block] = _isCow[block] && random.Next(3) == 0 ? _wanted[block] : _found[block];
            }
            _fingerprint = random.Next(4) == 0 ? Fingerprint(Sums(random, 6), out _) : Fingerprint(before, out _);
        }

        public bool Ask()
        {
            var image = new CowImage { BlockCount = _found.Length, Fingerprint = _fingerprint };
            for (int block = 0; block < _found.Length; block++)
            {
                if (_isCow[block])
                {
                    image = image with { Bits = image.Bits.Add(block), Data = image.Data.Add(block, Block(_wanted[block])) };
                }
            }
            MemoryFile cowfile = image.ToSparse();
            var baseFile = new CheckedFile(new MemoryFile(_found.SelectMany(Block).ToArray()), Disk.BaseName);
            return MergeResume.IsPossible(AtRest.Named(cowfile), AtRest.HeaderOf(cowfile), new CowLayout(_found.Length), baseFile, NobodyWatches.Instance);
        }

        public bool IsExplained() => IsExplained([.. _found], 0);

        public override string ToString() =>
            $"{_fingerprint:x8}: {string.Join(' ', _found.Select((sum, block) => _isCow[block] ? $"({sum}>{_wanted[block]})" : $"{sum}"))}";

        private bool IsExplained(int[] before, int block)
        {
            if (block == before.Length)
            {
                return Fingerprint(before, out int window) == _fingerprint
                    && Enumerable.Range(0, before.Length).All(number => !_isCow[number] || number < window || _found[number] == _wanted[number]);
            }
            if (!_isCow[block])
            {
                return IsExplained(before, block + 1);
            }
            for (before[block] = 0; before[block] < SumCount; before[block]++)
            {
                if (IsExplained(before, block + 1))
                {
                    return true;
                }
            }
            return false;
        }

        /// <summary>Specification 2.1, on sums.</summary>
        private static uint Fingerprint(int[] sums, out int window)
        {
            uint fingerprint = 0;
            int counted = 0;
            window = sums.Length;
            for (int block = 0; block < sums.Length && counted < 4; block++)
            {
                if (sums[block] != 0)
                {
                    fingerprint |= (uint)sums[block] << (8 * counted++);
                    window = counted == 4 ? block + 1 : sums.Length;
                }
            }
            return fingerprint;
        }

        private static int[] Sums(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(SumCount))];

        private static byte[] Block(int sum) => [(byte)sum, .. new byte[1023]];
    }
}
