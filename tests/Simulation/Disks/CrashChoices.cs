namespace Cowloop.Simulation.Disks;

/// <summary>Which of the possible files are looked at.</summary>
public static class CrashChoices
{
    /// <summary>
    /// Gives all choices when they are no more than asked for; else that nothing landed, that everything landed, and random ones: of each kind some
    /// where most landed, some where few did, and some in between.
    /// </summary>
    /// <param name="options">How many possibilities each pending thing has, the first being that it did not land.</param>
    /// <param name="maxCount">At most so many.</param>
    /// <param name="random">Chooses.</param>
    /// <returns>One possibility for each; the array is the same each time.</returns>
    public static IEnumerable<int[]> Of(IReadOnlyList<int> options, int maxCount, Random random)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        return ProductUpTo(options, maxCount) <= maxCount ? All(options) : Some(options, maxCount, random);
    }

    private static long ProductUpTo(IReadOnlyList<int> options, int limit)
    {
        long product = 1;
        for (int index = 0; index < options.Count && product <= limit; index++)
        {
            product *= options[index];
        }
        return product;
    }

    private static IEnumerable<int[]> All(IReadOnlyList<int> options)
    {
        int[] choice = new int[options.Count];
        while (true)
        {
            yield return choice;
            int index = 0;
            while (index < choice.Length && ++choice[index] == options[index])
            {
                choice[index++] = 0;
            }
            if (index == choice.Length)
            {
                yield break;
            }
        }
    }

    private static IEnumerable<int[]> Some(IReadOnlyList<int> options, int maxCount, Random random)
    {
        int[] choice = new int[options.Count];
        for (int number = 0; number < maxCount; number++)
        {
            // Of eight: how many pending things land at all, on average.
            int luck = number switch
            {
                0 => 0,
                1 => 8,
                _ => new[] { 1, 4, 7 }[random.Next(3)],
            };
            for (int index = 0; index < choice.Length; index++)
            {
                int latest = options[index] - 1;
                choice[index] = random.Next(8) >= luck ? 0 : number == 1 ? latest : 1 + random.Next(latest);
            }
            yield return choice;
        }
    }
}
