using Cowloop.Core.DeviceMapper;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.DeviceMapper;

/// <summary>Any bytes are refused with our own error, or are a store that makes a sound cowfile. Nothing in them decides alone about memory or time.</summary>
public class DmFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 3_000;
    private const int SoakCaseCount = 300_000;
    private const long MaxBytes = 8 << 20;
    private const int FieldBytes = 16;

    private static readonly byte[] Origin = Fixtures.R[..(60 * 1024 + 512)];
    private static readonly byte[][] Originals = [.. new[] { 512, 1024, 4096, 16_384 }.SelectMany(chunkBytes => new[] { StoreOf(chunkBytes, 3), StoreOf(chunkBytes, 40) })];

    [Fact]
    public void Any_store_is_refused_or_imported() => new FuzzRun(output).Cases(CaseCount, SoakCaseCount, Make, Check);

    private static byte[] StoreOf(int chunkBytes, int count)
    {
        var store = new DmStore(chunkBytes);
        for (int chunk = 0; chunk < Math.Min(count, Origin.Length / chunkBytes); chunk++)
        {
            store.Add(chunk, Fixtures.Filled(chunkBytes, (byte)chunk));
        }
        return store.ToArray();
    }

    private static byte[] Make(int seed, int number)
    {
        var random = new Random(unchecked(seed * 1_000_003 + number));
        byte[] original = Originals[random.Next(Originals.Length)];
        int chunkBytes = BitConverter.ToInt32(original, 12) * 512;
        var mutator = new Mutator(random);
        switch (random.Next(4))
        {
            case 0:
                byte[] header = [.. original];
                Mutator.Put(header.AsSpan(4 * random.Next(4)), mutator.Number(), 4, bigEndian: false);
                return header;
            case 1:
                byte[] exception = [.. original];
                Mutator.Put(exception.AsSpan(chunkBytes + 8 * random.Next(8)), mutator.Number(), 8, bigEndian: false);
                return exception;
            case 2:
                return [.. original[..FieldBytes], .. mutator.Mutate(original.AsSpan(FieldBytes), 2 * chunkBytes)];
            default:
                return mutator.Mutate(original, FieldBytes);
        }
    }

    private static string Check(byte[] bytes)
    {
        using var file = new BoundedFile(new FlatFile(bytes), bytes.Length);
        var cowfile = new MemoryFile();
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            DmImporter.Prepare(new CheckedFile(file, "store.dm"), DmStore.ImageOf(Origin))
                .Run(new CheckedFile(cowfile, "new.cow"), Guid.NewGuid(), NobodyWatches.Instance);
        }
        catch (CowloopException exception)
        {
            Assert.NotEmpty(exception.Message);
            return "refused";
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxBytes);
            Assert.False(file.HasChanges);
        }
        _ = TestStack.Read(TestStack.Open(Origin, cowfile));
        return "imported";
    }
}
