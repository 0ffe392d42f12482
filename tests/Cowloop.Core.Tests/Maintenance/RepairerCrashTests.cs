using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>
/// A repair that fails or is cut short anywhere: the file is as it was, or done, or dirty; and another repair makes of it exactly what an undisturbed one makes.
/// </summary>
public class RepairerCrashTests(ITestOutputHelper output)
{
    private const ushort Decides = (ushort)CowFlags.BitmapDecides;

    private static readonly CowImage Scattered = new CowImage { BlockCount = 20_000, WrongUsedBlocks = 2 }
        .With(10, 2, 1).WithData(12, 2, 2).With(14, 1, 0).WithData(5000, 1, 3).WithData(8192, 1, 4).WithData(19_998, 1, 5);

    /// <summary>The last block is there in part.</summary>
    private static readonly CowImage Tail = Scattered with { Data = Scattered.Data.Add(19_999, [.. "tail"u8]) };

    private static readonly CowImage[] Images =
    [
        Scattered with { Flags = CowImage.Dirty },
        Scattered with { Variant = CowVariant.Big32 },
        Tail with { Flags = CowImage.Dirty },
        Tail,
        Tail with { Flags = CowImage.Dirty | Decides },
        Scattered with { Flags = Decides, WrongUsedBlocks = null },
    ];

    public static TheoryData<int, bool> Cases()
    {
        var cases = new TheoryData<int, bool>();
        for (int image = 0; image < Images.Length; image++)
        {
            cases.Add(image, true);
        }
        cases.Add(4, false);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Any_call_may_fail(int image, bool canPunch)
    {
        (MemoryFile start, MemoryFile expected) = Start(image, canPunch);
        int faults = EveryCall.Faults.Sum(fault => CheckFaults(fault, start, expected));
        output.WriteLine($"{faults} faults");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_power_may_fail_anywhere(int image, bool canPunch)
    {
        (MemoryFile start, MemoryFile expected) = Start(image, canPunch);
        var random = new Random(image + 1);
        int checkedCount = 0;

        foreach (MemoryFile left in Recording.Of(start.Copy(), file => AtRest.Repair(file)).Leftovers(random, 32))
        {
            CheckInterrupted(left, start, expected);
            checkedCount++;
        }

        Assert.True(checkedCount > 20, $"only {checkedCount} states");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_power_may_fail_again_during_the_second_repair(int image, bool canPunch)
    {
        (MemoryFile start, MemoryFile expected) = Start(image, canPunch);
        var random = new Random(image + 1);

        foreach (MemoryFile left in Recording.Of(start.Copy(), file => AtRest.Repair(file)).Leftovers(random, 6))
        {
            foreach (MemoryFile leftAgain in Recording.Of(left, file => AtRest.Repair(file)).Leftovers(random, 4))
            {
                AtRest.Repair(leftAgain);
                Assert.Null(leftAgain.DifferenceFrom(expected));
            }
        }
    }

    /// <summary>After a mere kill of the service its last writes are in the page cache only; then the power fails during the repair.</summary>
    [Fact]
    public void A_bit_is_on_disk_only_when_its_data_is()
    {
        CowImage image = Images[0];
        MemoryFile start = (image with { Data = image.Data.Clear() }).ToSparse(image.DataOffset + image.BlockCount * 1024);
        int adopted = 0;

        var recording = Recording.Of(start, file =>
        {
            foreach ((long block, byte[] content) in image.Data)
            {
                Assert.Equal(Errno.None, file.WriteAt(image.DataOffset + block * 1024, content));
            }
            AtRest.Repair(file);
        });
        foreach (MemoryFile left in recording.Leftovers(new Random(1), 40))
        {
            adopted += CheckMarkedBlocks(left, image);
        }

        Assert.NotEqual(0, adopted);
    }

    /// <summary>Marked blocks have all of their data.</summary>
    /// <returns>How many of the blocks that had no bit have one.</returns>
    private static int CheckMarkedBlocks(MemoryFile file, CowImage image)
    {
        int adopted = 0;
        byte[] bitmap = BitmapOf(file);
        foreach (long block in image.Data.Keys.Except(image.Bits).Where(block => (bitmap[block / 8] >> (int)(block % 8) & 1) != 0))
        {
            byte[] content = new byte[1024];
            Assert.Equal(Errno.None, file.ReadAt(image.DataOffset + block * 1024, content));
            Assert.Equal(image.Data[block], content);
            adopted++;
        }
        return adopted;
    }

    private static (MemoryFile Start, MemoryFile Expected) Start(int image, bool canPunch)
    {
        MemoryFile start = Images[image].ToSparse();
        start.CanPunch = canPunch;
        MemoryFile expected = start.Copy();
        AtRest.Repair(expected);
        return (start, expected);
    }

    /// <returns>How many faults that were.</returns>
    private static int CheckFaults(PlannedFault fault, MemoryFile start, MemoryFile expected)
    {
        for (; ; fault = fault with { First = fault.First + 1 })
        {
            MemoryFile file = start.Copy();
            var faulty = new FaultyFile(file, fault) { IsArmed = false };
            CowHeader header = AtRest.HeaderOf(faulty);
            faulty.IsArmed = true;
            CowloopException? failure = null;
            try
            {
                AtRest.Repair(faulty, header);
            }
            catch (CowloopException exception)
            {
                failure = exception;
            }
            if (!faulty.HasFired)
            {
                Assert.True(fault.First > 10, $"only {fault.First} calls");
                return fault.First - 1;
            }
            Assert.Equal(fault.Errno, failure?.Errno);
            CheckInterrupted(file, start, expected);
        }
    }

    private static void CheckInterrupted(MemoryFile file, MemoryFile start, MemoryFile expected)
    {
        if (!AtRest.IsDirty(file))
        {
            byte[] bitmap = BitmapOf(file);
            Assert.True(bitmap.AsSpan().SequenceEqual(BitmapOf(start)) || bitmap.AsSpan().SequenceEqual(BitmapOf(expected)), "half a bitmap, and not dirty");
        }
        AtRest.Repair(file);
        Assert.Null(file.DifferenceFrom(expected));
    }

    private static byte[] BitmapOf(MemoryFile file)
    {
        byte[] bitmap = new byte[3 * 1024];
        Assert.Equal(Errno.None, file.ReadAt(CowLayout.BitmapOffsetBytes, bitmap));
        return bitmap;
    }
}
