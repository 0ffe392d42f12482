namespace Cowloop.Tools.Verbs;

/// <summary>What the user's terminal can show.</summary>
internal static class TerminalText
{
    /// <summary>True when the locale says that characters beyond ASCII can be shown.</summary>
    public static bool HasShades
    {
        get
        {
            // The first one that is set decides, as for every program.
            foreach (string variable in new[] { "LC_ALL", "LC_CTYPE", "LANG" })
            {
                if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } locale)
                {
                    return locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("utf8", StringComparison.OrdinalIgnoreCase);
                }
            }
            return false;
        }
    }
}
