using Cowloop.Core.Compact;
using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Compact;

/// <summary>A hostile store is refused with what is wrong with it, or opens: then all that works on cowfiles refuses it or works, and nothing else happens.</summary>
public class CompactFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 4_000;
    private const int SoakCaseCount = 200_000;
    private const int BlockCount = 70;
    private const int OriginalCount = 6;

    private static readonly byte[] Base = HostileOriginal.BaseStart(BlockCount);

    /// <summary>A damaged store, in a boot: 1 is the one that wrote to it.</summary>
    private sealed record Case(string What, byte[] Content, long LengthBytes, int Boot);

    [Fact]
    public void Any_store_is_refused_or_works()
    {
        CowfileStore[] originals = [.. Enumerable.Range(0, OriginalCount).Select(Original)];
        new FuzzRun(output).Cases(CaseCount, SoakCaseCount, (seed, number) => Make(originals, seed, number), Check);
    }

    [Fact]
    public void A_store_that_is_cut_anywhere_is_refused_or_works()
    {
        var outcomes = new HashSet<string>();
        foreach (CowfileStore original in Enumerable.Range(0, OriginalCount).Select(Original))
        {
            long tables = original.Layout.GroupsOffsetBytes;
            long[] borders =
            [
                0, 512, 1024, 4096, 4608, 5120, 5632, 8192, 8704, tables, tables + 512, tables + 16384, tables + 16384 + original.Layout.ChunkBytes,
                original.Content.Length,
            ];
            foreach (long lengthBytes in borders.SelectMany(border => new[] { border - 1, border, border + 1 }).Where(length => length >= 0))
            {
                byte[] content = original.Content[..(int)Math.Min(lengthBytes, original.Content.Length)];
                outcomes.Add(Check(new Case($"{original.Name}, {lengthBytes} bytes", content, lengthBytes, 1 + (int)(lengthBytes % 2))));
            }
        }
        Assert.Equal(3, outcomes.Count);
    }

    private static string Check(Case damaged)
    {
        var memory = new MemoryFile(damaged.Content);
        Assert.Equal(Errno.None, memory.SetLength(damaged.LengthBytes));
        var bounded = new BoundedFile(memory, memory.LengthBytes + (8 << 20));
        MemoryFile before = memory.Copy();
        CompactFile? view = null;
        if (!Works(() => view = CompactStores.Open(bounded, damaged.Boot)))
        {
            Assert.Null(memory.DifferenceFrom(before));
            return "refused";
        }
        var baseFile = new CheckedFile(new FlatFile(Base), Disk.BaseName);
        _ = Works(() => Checker.Run(AtRest.Named(view!), baseFile, NobodyWatches.Instance));
        _ = Works(() => AtRest.Repair(view!, modify: false));
        Assert.Null(memory.DifferenceFrom(before));
        bool isServed = Works(() => Serve(view!));
        _ = Works(() => AtRest.Repair(view!));
        return isServed ? "served" : "no cowfile";
    }

    /// <summary>Whatever it shows, it shows also later, and takes changes.</summary>
    private static void Serve(CompactFile view)
    {
        // One that came out of the damage would be a full disk.
        if (view.LimitBytes is not null)
        {
            view.SetLimit(null, CompactStores.Name);
        }
        using Overlay overlay = Disk.Open(new FlatFile(Base), view, Disk.WithRecord);
        byte[] expected = overlay.GetAll();
        var random = new Random(expected[0]);
        for (int change = 0; change < 6; change++)
        {
            int offset = random.Next(expected.Length);
            int length = Math.Min(expected.Length - offset, random.Next(20_000));
            bool isZero = change % 2 == 0;
            byte[] data = isZero ? new byte[length] : Fixtures.RandomBytes(random, length);
            Assert.Equal(Errno.None, isZero ? overlay.Zero(offset, length, mayUnmap: true, fua: false) : overlay.Write(offset, data, fua: true));
            data.CopyTo(expected, offset);
        }
        Assert.Equal(expected, overlay.GetAll());
        Assert.Equal(Errno.None, overlay.Flush());
        Assert.Equal(expected, overlay.GetAll());
    }

    private static bool Works(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (CowloopException exception)
        {
            Assert.NotEmpty(exception.Message);
            return false;
        }
    }

    private static Case Make(CowfileStore[] originals, int seed, int number)
    {
        var random = new Random(unchecked(seed * 1_000_003 + number));
        CowfileStore original = originals[random.Next(originals.Length)];
        int tables = (int)original.Layout.GroupsOffsetBytes;
        byte[] content = [.. original.Content];
        string what = original.Name;
        for (int count = random.Next(3) == 0 ? 2 : 1; count > 0; count--)
        {
            // A sector with small fields; half of the time its checksum is right again.
            int sector = random.Next(6) switch
            {
                0 => 0,
                1 => 4096,
                2 => 4608,
                3 => 5120,
                4 => 8192,
                _ => tables,
            };
            if (random.Next(4) == 0 || content.Length < sector + 512)
            {
                content = new Mutator(random).Mutate(content, tables + 1024);
                what += ", bytes";
                continue;
            }
            int offset = random.Next(random.Next(2) == 0 ? 64 : 508);
            Mutator.Put(content.AsSpan(sector + offset / 4 * 4), new Mutator(random).Number(), 1 << random.Next(4), bigEndian: false);
            what += $", sector {sector} at {offset}";
            if (random.Next(4) > 0)
            {
                Reseal(content.AsSpan(sector, 512));
            }
        }
        return new Case(what, content, content.Length, random.Next(1, 3));
    }

    private static void Reseal(Span<byte> sector) => BitConverter.TryWriteBytes(sector[508..], Crc32C.Compute(sector[..508]));

    /// <summary>A store of which bad ones are made.</summary>
    private sealed record CowfileStore(string Name, CompactLayout Layout, byte[] Content);

    /// <summary>A store as a service leaves it, closed or killed.</summary>
    private static CowfileStore Original(int number)
    {
        int chunkBytes = number % 2 == 0 ? 4 << 10 : 64 << 10;
        MemoryFile store = CompactStores.New(BlockCount, chunkBytes);
        using Overlay overlay = Disk.Open(new FlatFile(Base), CompactStores.Open(store), number < 4 ? Disk.WithRecord : Disk.Plain);
        Assert.Equal(Errno.None, overlay.Fill(3000, 9000, 1));
        Assert.Equal(Errno.None, overlay.Zero(16 << 10, 54 << 10, mayUnmap: true, fua: true));
        Assert.Equal(Errno.None, overlay.Fill(20 << 10, 100, 2));
        Assert.Equal(Errno.None, overlay.Flush());
        Assert.Equal(Errno.None, overlay.Fill(40 << 10, 5000, 3));
        bool isKilled = number is 2 or 3;
        Assert.Equal(Errno.None, isKilled ? Errno.None : overlay.Close());
        return new CowfileStore($"store {number}", new CompactLayout(new CowLayout(BlockCount), chunkBytes), store.ToArray());
    }
}
