using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Opening fails at every call in turn: it is a refusal, and the next opening finds a file that is as it was, or done.</summary>
public class CowfileFaultTests(ITestOutputHelper output)
{
    [Fact]
    public void A_new_cowfile_that_cannot_be_made_is_never_taken_for_another_one() => CheckEveryCall(new MemoryFile(), file =>
    {
        try
        {
            MustShowTheBase(file);
        }
        catch (CowloopException exception)
        {
            // Not even what was there could be taken back.
            Assert.Contains("has incorrect format", exception.Message, StringComparison.Ordinal);
        }
    });

    [Fact]
    public void A_repair_that_fails_is_finished_by_the_next_opening()
    {
        MemoryFile repaired = Golden.ImageG3.ToSparse();
        AtRest.Repair(repaired);

        CheckEveryCall(Golden.ImageG3.ToSparse(), file =>
        {
            Open(file).Dispose();
            Assert.Null(file.DifferenceFrom(repaired));
        });
    }

    [Fact]
    public void A_good_cowfile_that_cannot_be_read_is_not_changed() => CheckEveryCall(
        Golden.ImageG2.ToSparse(),
        file => Assert.Null(file.DifferenceFrom(Golden.ImageG2.ToSparse())));

    private void CheckEveryCall(MemoryFile start, Action<MemoryFile> checkLeftover)
    {
        int faults = EveryCall.Faults.Sum(fault =>
        {
            for (; ; fault = fault with { First = fault.First + 1 })
            {
                MemoryFile file = start.Copy();
                var faulty = new FaultyFile(file, fault);
                CowloopException? refused = null;
                try
                {
                    Open(faulty).Dispose();
                }
                catch (CowloopException exception)
                {
                    refused = exception;
                }
                if (!faulty.HasFired)
                {
                    Assert.Null(refused);
                    return fault.First - 1;
                }
                Assert.Equal(Errno.EINVAL, refused?.Errno);
                checkLeftover(file);
            }
        });
        output.WriteLine($"{faults} faults");
        Assert.True(faults >= 3 * EveryCall.Faults.Count());
    }

    private static Cowfile Open(IBlockFile file) => Disk.OpenCowfile(new FlatFile(Fixtures.R), file, repair: true);

    private static void MustShowTheBase(MemoryFile file)
    {
        using var overlay = new Overlay(new FlatFile(Fixtures.R), Open(file), 512);
        Assert.True(overlay.GetAll().AsSpan().SequenceEqual(Fixtures.R));
    }
}
