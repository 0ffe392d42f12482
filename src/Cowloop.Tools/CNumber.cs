namespace Cowloop.Tools;

/// <summary>Numbers as C's <c>strtol</c> reads them when it finds out the base itself, for arguments that the original took so.</summary>
internal static class CNumber
{
    private const string Blanks = " \t\n\v\f\r";

    /// <summary>
    /// Reads blanks, a sign, and decimal, 0x hexadecimal or 0 octal digits up to the end. Empty text is 0. What is too large becomes the
    /// largest number, and what is negative wraps around, as an unsigned number.
    /// </summary>
    /// <returns>False when it is no number, or something follows it.</returns>
    public static bool TryParse(string text, out ulong value)
    {
        value = 0;
        if (text.Length == 0)
        {
            return true;
        }
        ReadOnlySpan<char> rest = text.AsSpan().TrimStart(Blanks);
        bool isNegative = rest.StartsWith('-');
        if (isNegative || rest.StartsWith('+'))
        {
            rest = rest[1..];
        }
        int radix = 10;
        if (rest.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            radix = 16;
            rest = rest[2..];
        }
        else if (rest.StartsWith('0'))
        {
            radix = 8;
        }

        ulong limit = isNegative ? 1UL << 63 : long.MaxValue;
        foreach (char symbol in rest)
        {
            int digit = char.IsAsciiHexDigit(symbol) ? Convert.ToInt32(symbol.ToString(), 16) : radix;
            if (digit >= radix)
            {
                return false;
            }
            value = (ulong)UInt128.Min((UInt128)value * (uint)radix + (uint)digit, limit);
        }
        if (isNegative)
        {
            value = unchecked(0 - value);
        }
        return rest.Length > 0;
    }
}
