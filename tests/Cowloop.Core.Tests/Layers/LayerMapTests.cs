using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Layers;

/// <summary>Against a list of owners, one for each block.</summary>
public class LayerMapTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(31)]
    [InlineData(32)]
    public void Every_block_has_its_topmost_owner(int layerCount)
    {
        var random = new Random(layerCount);
        foreach (int blockCount in new[] { 1, 63, 64, 65, 1000, 64 * 40 + random.Next(64) })
        {
            int[] owners = new int[blockCount];
            using var map = new LayerMap(blockCount, layerCount, HeapWords.Allocate);
            MustAgree(owners, map, random);
            for (int layer = 1; layer <= layerCount; layer++)
            {
                bool[] holds = RandomRuns(random, blockCount);
                map.Add(Pieces(holds, random));
                owners = [.. owners.Select((owner, block) => holds[block] ? layer : owner)];
                MustAgree(owners, map, random);
            }
        }
    }

    /// <summary>All the digits of a layer's number must be put in place of those of each one below it.</summary>
    [Fact]
    public void A_layer_takes_a_block_from_any_other()
    {
        const int LayerCount = 32;
        using var map = new LayerMap(64 * LayerCount, LayerCount, HeapWords.Allocate);
        int[] owners = new int[64 * LayerCount];
        var random = new Random(5);
        for (int layer = 1; layer <= LayerCount; layer++)
        {
            // One bit of the word of each layer before, and its own word.
            bool[] holds = [.. Enumerable.Range(0, owners.Length).Select(block => block / 64 == layer - 1 || (block / 64 < layer && block % 64 == layer))];
            map.Add(Pieces(holds, random));
            owners = [.. owners.Select((owner, block) => holds[block] ? layer : owner)];
        }
        MustAgree(owners, map, random);
    }

    [Fact]
    public void The_bitmap_of_one_layer_is_its_map()
    {
        using var bitmap = new Bitmap(new CowLayout(200), HeapWords.Allocate);
        bitmap.Set(3, 2);
        bitmap.Set(60, 10);
        bitmap.Set(199, 1);
        int[] owners = [.. Enumerable.Range(0, 200).Select(block => block is 3 or 4 or 199 or (>= 60 and < 70) ? 1 : 0)];
        MustAgree(owners, new LayerMap(bitmap), new Random(1));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    [InlineData(7, 3)]
    [InlineData(8, 4)]
    [InlineData(31, 5)]
    [InlineData(32, 6)]
    public void It_takes_a_bit_for_each_digit(int layerCount, int digits)
    {
        int wordCount = 0;
        using var map = new LayerMap(6401, layerCount, words =>
        {
            wordCount = words;
            return HeapWords.Allocate(words);
        });
        Assert.Equal(101 * digits, wordCount);
    }

    private static void MustAgree(int[] owners, LayerMap map, Random random)
    {
        for (int block = 0; block < owners.Length; block++)
        {
            int runLength = 1;
            while (block + runLength < owners.Length && owners[block + runLength] == owners[block])
            {
                runLength++;
            }
            int left = owners.Length - block;
            foreach (int maxCount in new[] { 1, left, random.Next(1, left + 1) })
            {
                int owner = map.FindOwner(block, maxCount, out long count);
                Assert.True((owner, count) == (owners[block], Math.Min(runLength, maxCount)), $"block {block} of {owners.Length}, at most {maxCount}: {owner}, {count}");
            }
        }
    }

    private static bool[] RandomRuns(Random random, int blockCount)
    {
        bool[] holds = new bool[blockCount];
        for (int block = 0; block < blockCount;)
        {
            int length = random.Next(4) == 0 ? random.Next(1, 200) : random.Next(1, 9);
            holds.AsSpan(block, Math.Min(length, blockCount - block)).Fill(random.Next(3) == 0);
            block += length;
        }
        return holds;
    }

    /// <summary>The bitmap in pieces of random lengths, some of which are left out where they are empty.</summary>
    private static IEnumerable<BitmapWords> Pieces(bool[] holds, Random random)
    {
        ulong[] words = new ulong[(holds.Length + 63) / 64];
        for (int block = 0; block < holds.Length; block++)
        {
            words[block / 64] |= (holds[block] ? 1UL : 0) << (block % 64);
        }
        for (int word = 0; word < words.Length;)
        {
            int length = Math.Min(random.Next(1, 12), words.Length - word);
            if (random.Next(2) == 0 || words.AsSpan(word, length).ContainsAnyExcept(0UL))
            {
                yield return new BitmapWords(word * 64L, words.AsMemory(word, length));
            }
            word += length;
        }
    }
}
