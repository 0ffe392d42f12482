namespace Cowloop.Simulation.Exploring;

/// <summary>Something is not as it must be.</summary>
/// <param name="message">What.</param>
internal sealed class ViolationException(string message) : Exception(message);
