namespace Cowloop.Simulation.Disks;

/// <summary>Which of the possible files are looked at.</summary>
public static class CrashChoices
{
    /// <summary>
    /// Gives all choices when they are no more than asked for; else that nothing landed, that everything landed, and random ones.
    /// </summary>
    /// <param name="options">How many possibilities each pending thing has, the first being that it did not land.</param>
    /// <param name="maxCount">At most so many; at least 2.</param>
    /// <param name="random">Chooses.</param>
    /// <returns>One possibility for each; the array is the same each time.</returns>
    public static IEnumerable<int[]> Of(IReadOnlyList<int> options, int maxCount, Random random)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        return ProductUpTo(options, maxCount) <= maxCount ? All(options) : Some(options, maxCount, random);
    }

    /// <summary>Chooses at random: sometimes most of what is pending lands, sometimes little.</summary>
    /// <param name="options">How many possibilities there are for each.</param>
    /// <param name="choice">Gets one possibility for each.</param>
    /// <param name="random">Chooses.</param>
    public static void Choose(IReadOnlyList<int> options, int[] choice, Random random)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(choice);
        ArgumentNullException.ThrowIfNull(random);
        // Of eight: how many land.
        int luck = 1 + 3 * random.Next(3);
        for (int index = 0; index < choice.Length; index++)
        {
            choice[index] = random.Next(8) < luck ? 1 + random.Next(options[index] - 1) : 0;
        }
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
        yield return choice;
        for (int index = 0; index < choice.Length; index++)
        {
            choice[index] = options[index] - 1;
        }
        yield return choice;
        for (int number = 2; number < maxCount; number++)
        {
            Choose(options, choice, random);
            yield return choice;
        }
    }
}
