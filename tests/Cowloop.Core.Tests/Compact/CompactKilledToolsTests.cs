using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>
/// What works on a compact store at rest is killed before any of its writes: all that it has written is there, in the same boot and, by luck, in the next
/// one, which must not believe what the same boot believes. Nothing reads otherwise, and the same command finishes.
/// </summary>
public class CompactKilledToolsTests
{
    private const int SeedCount = 12;

    public static TheoryData<int, int> SizesAndBoots => new()
    {
        { 4 << 10, 1 },
        { 4 << 10, 2 },
        { 64 << 10, 1 },
        { 64 << 10, 2 },
    };

    [Theory]
    [MemberData(nameof(SizesAndBoots))]
    public void A_merge_into_a_layer(int chunkBytes, int nextBoot) => ForEach(stack =>
    {
        MemoryFile upper = StoreOf(stack.Files[1]);
        return CheckKills(
            StoreOf(stack.Files[0]),
            nextBoot,
            lower => LayerMerger.Prepare(AtRest.Named(CompactStores.Open(upper)), new CheckedFile(lower, "lower.cow")).Run(NobodyWatches.Instance),
            left => Assert.Equal(stack.Views[2], TestStack.Read(TestStack.Open(stack.Base, left(), CompactStores.Open(upper)))),
            left => Assert.Equal(stack.Views[2], TestStack.Read(TestStack.Open(stack.Base, left()))));

        MemoryFile StoreOf(MemoryFile file) => CompactStores.Of(file, stack.BlockCount, chunkBytes);
    });

    [Theory]
    [MemberData(nameof(SizesAndBoots))]
    public void Compacting(int chunkBytes, int nextBoot) => ForEach(stack => CheckKills(
        CompactStores.Of(stack.Files[1], stack.BlockCount, chunkBytes),
        nextBoot,
        upper => Compacter.Prepare(AtRest.Named(upper), stack.Below(1), new BaseOptions()).Run(NobodyWatches.Instance),
        left => MustReadAsBefore(stack, left),
        left => MustReadAsBefore(stack, left)));

    [Theory]
    [MemberData(nameof(SizesAndBoots))]
    public void A_rebase(int chunkBytes, int nextBoot)
    {
        int killCount = 0;
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            var rebase = RebaseCase.Random(seed);
            killCount += CheckKills(
                CompactStores.Of(rebase.Cowfile, rebase.Layout.BlockCount, chunkBytes),
                nextBoot,
                cowfile => _ = rebase.Rebase(cowfile),
                left =>
                {
                    MustReadOrBeRefused(() => rebase.ReadOnOld(left()), rebase.View);
                    MustReadOrBeRefused(() => rebase.ReadOnNew(left()), rebase.View);
                },
                left => Assert.Equal(rebase.View, rebase.ReadOnNew(left())));
        }
        Assert.True(killCount > 50, $"killed at {killCount} writes only");
    }

    private static void ForEach(Func<TestStack, int> check)
    {
        int killCount = 0;
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            try
            {
                killCount += check(TestStack.Random(seed));
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"seed {seed}: {exception.Message}", exception);
            }
        }
        Assert.True(killCount > 50, $"killed at {killCount} writes only");
    }

    /// <summary>Kills the work at each of its writes, and has it done again.</summary>
    /// <param name="store">The store that is worked on.</param>
    /// <param name="nextBoot">The boot in which it is found; it was written in the first one.</param>
    /// <param name="work">Does it on the cowfile in the store.</param>
    /// <param name="checkLeft">Looks at what a kill has left, after a repair if that has to come first.</param>
    /// <param name="checkDone">Looks at what the finished work has made.</param>
    /// <returns>How many writes it was killed at.</returns>
    private static int CheckKills(
        MemoryFile store,
        int nextBoot,
        Action<IBlockFile> work,
        Action<Func<IBlockFile>> checkLeft,
        Action<Func<IBlockFile>> checkDone)
    {
        for (int killAt = 1; ; killAt++)
        {
            MemoryFile left = store.Copy();
            bool isKilled = false;
            try
            {
                work(CompactStores.Open(new KilledFile(left, killAt)));
            }
            catch (KilledException)
            {
                isKilled = true;
            }
            int boot = nextBoot;
            if (AtRest.IsDirty(View()))
            {
                AtRest.Repair(View());
            }
            checkLeft(View);
            work(View());
            checkDone(View);
            boot++;
            checkDone(View);
            if (!isKilled)
            {
                return killAt - 1;
            }

            IBlockFile View() => CompactStores.Open(left, boot);
        }
    }

    private static void MustReadAsBefore(TestStack stack, Func<IBlockFile> upper) =>
        Assert.Equal(stack.Views[2], TestStack.Read(TestStack.Open(stack.Base, stack.Files[0], upper())));

    private static void MustReadOrBeRefused(Func<byte[]> read, byte[] expected)
    {
        try
        {
            Assert.Equal(expected, read());
        }
        catch (CowloopException refusal)
        {
            Assert.Equal(Errno.EINVAL, refusal.Errno);
        }
    }

    private sealed class KilledException : Exception;

    /// <summary>A file of a process that dies at one of its writes: nothing more reaches it.</summary>
    private sealed class KilledFile(MemoryFile inner, int killAt) : FileDecorator(inner)
    {
        private int _count;

        protected override Errno Before(FileCall call)
        {
            bool isChange = call.Op is FileOp.Write or FileOp.SetLength or FileOp.Allocate or FileOp.Punch or FileOp.Sync;
            return _count >= killAt || (isChange && ++_count >= killAt) ? throw new KilledException() : Errno.None;
        }
    }
}
