namespace Cowloop.Core.Devices;

/// <summary>How well a base must be known.</summary>
public record BaseOptions
{
    /// <summary>Take a base whose content has changed since; the record of a cowfile that is written to tells of it.</summary>
    public bool AcceptBase { get; init; }

    /// <summary>Read all of the base, and compare it with the digest in the record, or put that there.</summary>
    public bool VerifyBase { get; init; }
}
