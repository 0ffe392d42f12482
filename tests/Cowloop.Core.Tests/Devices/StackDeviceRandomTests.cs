using System.Security.Cryptography;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Random changes, snapshots, rollbacks, forks and re-openings against plain arrays. A failure prints the seed: add it to the list of known ones.</summary>
public class StackDeviceRandomTests
{
    private static readonly int[] Sizes = [1, 2, 8, 63, 64, 65, 130];

    [Fact]
    public void Agrees_with_plain_arrays_for_fixed_seeds()
    {
        for (int seed = 1; seed <= 120; seed++)
        {
            StackRun.Check(seed, 80, Sizes[seed % Sizes.Length]);
        }
    }

    [Fact]
    public void Agrees_with_plain_arrays_for_a_new_seed()
    {
        int seed = RandomNumberGenerator.GetInt32(int.MaxValue);

        StackRun.Check(seed, 400, Sizes[seed % Sizes.Length]);
    }
}
