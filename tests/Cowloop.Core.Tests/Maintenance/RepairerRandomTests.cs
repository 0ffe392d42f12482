using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>Random files against specification 7.3 done word for word.</summary>
public class RepairerRandomTests
{
    /// <summary>Around the borders of bitmap bytes and words, pages, and bitmap blocks.</summary>
    private static readonly int[] Sizes = [1, 7, 8, 33, 64, 65, 500, 900, 8191, 8192, 8193, 17_000];

    [Fact]
    public void Agrees_with_the_plain_repair()
    {
        for (int seed = 1; seed <= 72; seed++)
        {
            var random = new Random(seed);
            CowImage image = RandomImage(random, Sizes[seed % Sizes.Length], 0);
            byte[] content = image.ToBytes();
            byte[] expected = PlainRepair.Of(content);
            MemoryFile sparse = image.ToSparse();
            byte[] room = new byte[expected.Length];
            content.CopyTo(room, 0);
            var flat = new FlatFile(room, content.Length);

            Check(sparse, expected, $"seed {seed}");
            Check(flat, expected, $"seed {seed}, without holes");
        }
    }

    /// <summary>Repairs read the bitmap in pieces that describe 524288 blocks; the files are too large for arrays.</summary>
    [Fact]
    public void Agrees_at_the_borders_of_what_is_read_in_one_piece()
    {
        const int PieceBlocks = 524_288;
        for (int seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            CowImage image = RandomImage(random, 2 * PieceBlocks + random.Next(-9000, 9000), PieceBlocks);
            MemoryFile file = image.ToSparse();

            AtRest.Repair(file);

            CowImage expected = image with
            {
                Flags = 0,
                Bits = image.Bits.Union(image.Data.Where(data => data.Value.AsSpan().ContainsAnyExcept((byte)0)).Select(data => data.Key)),
                WrongUsedBlocks = null,
            };
            string? difference = file.DifferenceFrom(expected.ToSparse());
            Assert.True(difference is null, $"seed {seed}: {difference}");
        }
    }

    private static void Check(IBlockFile file, byte[] expected, string what)
    {
        AtRest.Repair(file);

        byte[] content = new byte[file.LengthBytes];
        Assert.Equal(Errno.None, file.ReadAt(0, content));
        int same = content.AsSpan().CommonPrefixLength(expected);
        Assert.True(content.Length == expected.Length && same == content.Length, $"{what}: {content.Length} bytes, expected are {expected.Length}; differs at {same}");
    }

    /// <summary>Runs of blocks, with a bit or without, with data or zeros, near each other or near a multiple of the focus.</summary>
    private static CowImage RandomImage(Random random, int blockCount, int focus)
    {
        var image = new CowImage
        {
            BlockCount = blockCount,
            Flags = (ushort)random.Next(2),
            Variant = (CowVariant)random.Next(4),
            Reserved = (byte)random.Next(256),
            WrongUsedBlocks = (ulong)random.Next(20),
        };
        int runCount = random.Next(12);
        for (int run = 0; run < runCount; run++)
        {
            int length = Math.Min(blockCount, random.Next(4) == 0 ? random.Next(1, 2500) : random.Next(1, 12));
            int around = focus == 0 || random.Next(4) == 0 ? random.Next(blockCount) : focus * random.Next(3);
            int first = Math.Clamp(around + random.Next(-8, 9), 0, blockCount - length);
            byte fill = (byte)random.Next(3);
            image = random.Next(2) == 0 ? image.With(first, length, fill) : image.WithData(first, length, fill);
        }
        return image;
    }
}
