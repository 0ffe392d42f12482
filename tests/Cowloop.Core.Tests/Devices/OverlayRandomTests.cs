using System.Security.Cryptography;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Random operations against a plain array. A failure prints the seed: add it to the list of known ones.</summary>
public class OverlayRandomTests
{
    private static readonly int[] Sizes = [1, 2, 5, 8, 33, 64, 65, 130, 200];

    [Fact]
    public void Agrees_with_a_plain_array_for_fixed_seeds()
    {
        for (int seed = 1; seed <= 250; seed++)
        {
            RandomRun.Check(seed, 150, Sizes[seed % Sizes.Length]);
        }
    }

    [Fact]
    public void Agrees_with_a_plain_array_for_a_new_seed()
    {
        int seed = RandomNumberGenerator.GetInt32(int.MaxValue);

        RandomRun.Check(seed, 1000, Sizes[seed % Sizes.Length]);
    }

    /// <summary>Around the edges of bitmap blocks (every 8 MiB).</summary>
    [Theory]
    [InlineData(1, 8 << 20)]
    [InlineData(2, 16 << 20)]
    [InlineData(3, 17 << 20)]
    public void Agrees_with_a_plain_array_across_bitmap_blocks(int seed, int focus)
    {
        RandomRun.Check(seed, 150, 17 * 1024, focus);
    }
}
