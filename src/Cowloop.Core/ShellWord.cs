using System.Buffers;

namespace Cowloop.Core;

/// <summary>Commands in messages can be pasted into a shell as they are.</summary>
public static class ShellWord
{
    private static readonly SearchValues<char> HarmlessCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-");

    /// <summary>A file name as one word of a command line: quoted if need be, and never taken for an option.</summary>
    public static string ForPath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.StartsWith('-'))
        {
            path = "./" + path;
        }
        return path.Length > 0 && !path.AsSpan().ContainsAnyExcept(HarmlessCharacters)
            ? path
            : $"'{path.Replace("'", @"'\''", StringComparison.Ordinal)}'";
    }
}
