namespace Cowloop.Core.Tests.Support;

/// <summary>Choices that are not equally likely.</summary>
internal static class WeightedChoice
{
    /// <summary>Picks a place of an array, each as likely as its number is large.</summary>
    public static int Pick(this Random random, int[] weights)
    {
        int pick = random.Next(weights.Sum());
        int place = 0;
        while (pick >= weights[place])
        {
            pick -= weights[place++];
        }
        return place;
    }
}
