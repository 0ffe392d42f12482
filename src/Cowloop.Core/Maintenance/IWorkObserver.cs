namespace Cowloop.Core.Maintenance;

/// <summary>Who looks on while a cowfile is repaired, merged or packed, and may interrupt it.</summary>
public interface IWorkObserver
{
    /// <summary>A part of the work begins.</summary>
    /// <param name="what">What is done, for people: <c>merging</c>.</param>
    /// <param name="totalBytes">What <see cref="Advance"/> will add up to.</param>
    void Begin(string what, long totalBytes);

    /// <summary>Some of it is done. Files are in a state from which the work can be taken up again.</summary>
    /// <param name="bytes">How much, since the last call.</param>
    /// <exception cref="OperationCanceledException">The user wants it to end here.</exception>
    void Advance(long bytes);
}
