namespace Cowloop.Simulation.Model;

/// <summary>How a session with a device ends that nobody ended.</summary>
public enum Death
{
    /// <summary>The service dies: what it wrote is there, what it had in memory is not.</summary>
    Service,
    /// <summary>The power fails: of what was written since the last sync any part may be there.</summary>
    Power,
}
