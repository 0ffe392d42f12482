using Cowloop.Core.Devices;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Devices;

/// <summary>
/// A device is given a hostile cowfile: it is refused and stays as it is; or it serves everywhere what its bits say, takes changes, is closed clean and is sound.
/// </summary>
public class CowfileFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 2_000;
    private const int SoakCaseCount = 200_000;
    // Also without being asked: a dirty file whose bitmap decides is repaired when it is opened.
    private const long MaxRepairBytes = 3 << 20;
    private const int ChunkBytes = 64 * 1024;

    [Fact]
    public void Any_cowfile_is_refused_or_served() =>
        HostileMemory.ForEach(new FuzzRun(output), CaseCount, SoakCaseCount, file => Check(file, repair: false));

    [Fact]
    public void Any_cowfile_is_refused_or_repaired_and_served() =>
        HostileMemory.ForEach(new FuzzRun(output), CaseCount, SoakCaseCount, file => Check(file, repair: true));

    private static string Check(HostileFile file, bool repair)
    {
        var memory = new HostileMemory(file);
        Cowfile? cowfile = null;
        if (!memory.Accepts(MaxRepairBytes, () => cowfile = memory.Open(repair)))
        {
            return "refused";
        }
        Assert.Equal(cowfile!.Repaired is not null || file.LengthBytes == 0, memory.Store.HasChanges);
        using var overlay = new Overlay(memory.Base, cowfile, 512);
        Serve(overlay, memory, new Random(file.Content.Length));
        Assert.Equal(Errno.None, overlay.Close());

        MustBeSound(memory);
        using var again = new Overlay(memory.Base, memory.Open(repair: false), 512);
        MustShow(again, memory.View());
        return cowfile.Repaired is null ? "served" : "repaired";
    }

    private static void Serve(Overlay overlay, HostileMemory memory, Random random)
    {
        MemoryFile expected = memory.View();
        MustShow(overlay, expected);
        for (int change = random.Next(4); change > 0; change--)
        {
            int offset = random.Next((int)Math.Min(overlay.Info.LengthBytes, 64 * 1024));
            byte[] data = Fixtures.RandomBytes(random, (int)Math.Min(random.Next(4096), overlay.Info.LengthBytes - offset));
            if (random.Next(3) == 0)
            {
                data.AsSpan().Clear();
                Assert.Equal(Errno.None, overlay.Zero(offset, data.Length, mayUnmap: true, fua: false));
            }
            else
            {
                Assert.Equal(Errno.None, overlay.Write(offset, data, fua: random.Next(2) == 0));
            }
            Assert.Equal(Errno.None, expected.WriteAt(offset, data));
        }
        MustShow(overlay, expected);
        Assert.InRange(overlay.UsedBlocks, 0, overlay.Layout.BlockCount);
    }

    private static void MustShow(Overlay overlay, MemoryFile expected)
    {
        byte[] found = new byte[ChunkBytes];
        byte[] wanted = new byte[ChunkBytes];
        for (long offset = 0; offset < overlay.Info.LengthBytes; offset += ChunkBytes)
        {
            int length = (int)Math.Min(ChunkBytes, overlay.Info.LengthBytes - offset);
            Assert.Equal(Errno.None, overlay.Read(offset, found.AsSpan(0, length)));
            Assert.Equal(Errno.None, expected.ReadAt(offset, wanted.AsSpan(0, length)));
            int same = found.AsSpan(0, length).CommonPrefixLength(wanted.AsSpan(0, length));
            Assert.True(same == length, $"differs at byte {offset + same}");
        }
    }

    /// <summary>
    /// What opening does not look for may be there still: data that nothing shows. A repair takes it in or out; what lies behind the base's end does no harm.
    /// </summary>
    private static void MustBeSound(HostileMemory memory)
    {
        IReadOnlyList<Problem> after = memory.Problems();
        Assert.Empty(after.Select(KindOf).Except(memory.ProblemsBefore().Select(KindOf)));
        if (after.Count > 0)
        {
            AtRest.Repair(memory.Store);
            Assert.All(memory.Problems(), problem => Assert.Contains("it does no harm", problem.Hint, StringComparison.Ordinal));
        }
    }

    /// <summary>Whatever the figures: closing cuts off what lies behind the last block.</summary>
    private static string KindOf(Problem problem) => string.Concat(problem.Text.Where(character => !char.IsAsciiDigit(character)));
}
