namespace Cowloop.Tools.Tests.Support;

/// <summary>The locale variables of this process, until it is disposed of.</summary>
internal sealed class Locale : IDisposable
{
    private static readonly string[] Variables = ["LC_ALL", "LC_CTYPE", "LANG"];

    private readonly string?[] _before = [.. Variables.Select(Environment.GetEnvironmentVariable)];

    public Locale(string? all, string? ctype = null, string? lang = null) => Set([all, ctype, lang]);

    public void Dispose() => Set(_before);

    private static void Set(string?[] values)
    {
        foreach ((string variable, string? value) in Variables.Zip(values))
        {
            Environment.SetEnvironmentVariable(variable, value);
        }
    }
}
