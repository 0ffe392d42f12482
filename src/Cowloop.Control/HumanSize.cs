using System.Globalization;

namespace Cowloop.Control;

/// <summary>Sizes as people write and read them.</summary>
public static class HumanSize
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>For instance <c>1.5 GiB</c>.</summary>
    public static string Format(long bytes) => Format((double)bytes);

    /// <summary>The same of a number of KiB, which may be more than 64 bits of bytes.</summary>
    public static string FormatKiB(ulong kib) => Format(kib * 1024.0);

    /// <summary>Reads a number of KiB, or one with a unit behind it: K, M, G, T, or KiB and so on; in either case.</summary>
    /// <returns>False when it is neither, or too large.</returns>
    public static bool TryParseKiB(string text, out ulong kib)
    {
        ArgumentNullException.ThrowIfNull(text);
        kib = 0;
        string number = text.EndsWith("iB", StringComparison.OrdinalIgnoreCase) ? text[..^2] : text;
        int unit = number.Length == 0 ? -1 : "KMGT".IndexOf(char.ToUpperInvariant(number[^1]), StringComparison.Ordinal);
        if (unit < 0 && number.Length < text.Length)
        {
            return false;
        }
        if (!ulong.TryParse(unit < 0 ? number : number[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong count))
        {
            return false;
        }
        UInt128 wide = (UInt128)count << (10 * Math.Max(unit, 0));
        kib = (ulong)wide;
        return wide <= ulong.MaxValue;
    }

    private static string Format(double bytes)
    {
        double value = bytes;
        int unit = 0;
        // 1023.95 KiB would be shown as 1024.0.
        while (value >= (unit == 0 ? 1024 : 1023.95) && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }
        return $"{value.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture)} {Units[unit]}";
    }
}
