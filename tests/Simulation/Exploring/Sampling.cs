namespace Cowloop.Simulation.Exploring;

/// <summary>Which crashes of a life are looked at.</summary>
/// <param name="MaxChoices">How many possible disks at one position.</param>
/// <param name="OneIn">Every position, or by chance one in so many.</param>
/// <param name="FirstPosition">Positions up to this one are passed over.</param>
internal readonly record struct Sampling(int MaxChoices, int OneIn = 1, int FirstPosition = 0)
{
    public bool Takes(Random random) => OneIn == 1 || random.Next(OneIn) == 0;
}
