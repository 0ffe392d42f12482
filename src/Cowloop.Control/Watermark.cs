using System.Globalization;
using Cowloop.Core;

namespace Cowloop.Control;

/// <summary>
/// A line that the space for a cowfile may cross: <c>80%</c> is the share of its filesystem that is in use, <c>1G</c> is what is left of it.
/// </summary>
/// <param name="Text">As the user wrote it.</param>
/// <param name="UsedPercent">The share; 0 for a size.</param>
/// <param name="LeftKiB">The size; 0 for a share.</param>
public sealed record Watermark(string Text, int UsedPercent, ulong LeftKiB)
{
    private const int MaxCount = 8;

    /// <summary>Reads marks that are separated by commas; an empty text has none.</summary>
    /// <exception cref="CowloopException">One of them is no mark, or there are too many.</exception>
    public static IReadOnlyList<Watermark> ParseList(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] marks = text.Length == 0 ? [] : text.Split(',');
        return marks.Length <= MaxCount
            ? [.. marks.Select(Parse)]
            : throw new CowloopException(Errno.EINVAL, $"'{text}' has more than {MaxCount} marks", "one or two are enough for most");
    }

    /// <summary>The marks as <see cref="ParseList"/> reads them.</summary>
    public static string Format(IEnumerable<Watermark> marks) => string.Join(',', marks.Select(mark => mark.Text));

    /// <summary>Says whether the space is low by this mark.</summary>
    /// <param name="space">The space now.</param>
    /// <param name="wasLow">
    /// Whether it was low before. It is not low any more only when it is clear of the mark, by two points or a tenth of the size: so it does
    /// not go to and fro with every file.
    /// </param>
    public bool IsLow(CowfileSpace space, bool wasLow)
    {
        ArgumentNullException.ThrowIfNull(space);
        if (space.TotalKiB == 0)
        {
            // A filesystem that does not tell.
            return false;
        }
        if (UsedPercent == 0)
        {
            return space.AvailableKiB <= LeftKiB + (wasLow ? LeftKiB / 10 : 0);
        }
        UInt128 usedPerMille = (UInt128)(space.TotalKiB - Math.Min(space.AvailableKiB, space.TotalKiB)) * 1000;
        int linePerMille = UsedPercent * 10;
        int clearPerMille = wasLow ? Math.Min(20, linePerMille / 2) : 0;
        return usedPerMille >= (UInt128)space.TotalKiB * (uint)(linePerMille - clearPerMille);
    }

    private static Watermark Parse(string text)
    {
        if (text.EndsWith('%')
            && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int percent)
            && percent is >= 1 and <= 100)
        {
            return new Watermark(text, percent, 0);
        }
        return HumanSize.TryParseKiB(text, out ulong kib) && kib is > 0 and <= ulong.MaxValue / 2
            ? new Watermark(text, 0, kib)
            : throw new CowloopException(
                Errno.EINVAL,
                $"'{text}' is no mark for the space of a cowfile",
                "give the share that is in use, 1% to 100%, or the size that is left, such as 500M or 1G; several separated by commas");
    }
}
