namespace Cowloop.Control;

/// <summary>Whether new cowfiles are to be exactly as cowloop 3.1 made them.</summary>
public static class PlainCowfiles
{
    /// <summary>True when the environment says so: COWLOOP_PLAIN=1.</summary>
    public static bool AreWanted => Environment.GetEnvironmentVariable("COWLOOP_PLAIN") == "1";
}
