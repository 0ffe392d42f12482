using System.Globalization;

namespace Cowloop.Simulation.Exploring;

/// <summary>What an explorer has looked at, search by search.</summary>
public sealed class Report
{
    private readonly List<Tally> _tallies = [];

    /// <summary>The searches, in order.</summary>
    public IReadOnlyList<Tally> Tallies => _tallies;

    /// <summary>One line per search, and one for all.</summary>
    public override string ToString()
    {
        string total = string.Create(
            CultureInfo.InvariantCulture,
            $"in all: {_tallies.Sum(tally => tally.CrashCount):N0} crash points, {_tallies.Sum(tally => tally.SectorCount):N0} sectors checked");
        return string.Join('\n', [.. _tallies.Select(tally => tally.ToString()), total]);
    }

    internal Tally Begin(string name)
    {
        _tallies.Add(new Tally(name));
        return _tallies[^1];
    }
}
