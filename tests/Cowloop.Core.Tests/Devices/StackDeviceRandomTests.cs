using System.Security.Cryptography;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>
/// Random changes, snapshots, rollbacks, forks, re-openings, merges of each kind, compactions and rebases against plain arrays. A failure prints the seed and
/// what was done.
/// </summary>
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
