using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Cowloop.Core;

namespace Cowloop.Control;

/// <summary>One device of a cowtab.</summary>
/// <param name="LineNumber">Its line, from 1.</param>
/// <param name="Base">Absolute path of the read-only image.</param>
/// <param name="Cowfile">Absolute path of the cowfile.</param>
/// <param name="Number">The device number; null for any that is free and not another line's.</param>
public sealed record CowtabEntry(int LineNumber, string Base, string Cowfile, int? Number)
{
    /// <summary>Activate it only when it is named.</summary>
    public bool NoAuto { get; init; }

    /// <summary>The devices that are asked for count as active even if this one is not.</summary>
    public bool NoFail { get; init; }

    /// <summary>Recover the cowfile first when it is dirty.</summary>
    public bool Repair { get; init; }

    /// <summary>Use the base even though somebody may be writing to it.</summary>
    public bool AcceptBase { get; init; }

    /// <summary>What a change does that finds no space.</summary>
    public OnFull OnFull { get; init; } = OnFull.WaitAMinute;

    /// <summary>Marks for the space, as <see cref="Watermark.ParseList"/> reads them.</summary>
    public string WarnAt { get; init; } = "";

    /// <summary>Absolute path of a program that is run when space runs short; empty for none.</summary>
    public string Hook { get; init; } = "";
}

/// <summary>A line of a cowtab that stands for no device.</summary>
/// <param name="LineNumber">The line, from 1.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record CowtabError(int LineNumber, string Reason);

/// <summary>
/// The devices that are to be there after each boot, one a line: <c>BASE COWFILE NUMBER [OPTIONS]</c>. As in fstab, fields are
/// separated by blanks or tabs, options by commas, and a blank in a path is written <c>\040</c>.
/// </summary>
/// <param name="Entries">The devices, in the order of the file.</param>
/// <param name="Errors">The lines that can't be understood.</param>
public sealed partial record Cowtab(IReadOnlyList<CowtabEntry> Entries, IReadOnlyList<CowtabError> Errors)
{
    private const string AutoNumber = "auto";

    /// <summary>Reads the text of a cowtab; a bad line leaves the others as they are.</summary>
    public static Cowtab Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var entries = new List<CowtabEntry>();
        var errors = new List<CowtabError>();
        int lineNumber = 0;
        foreach (string line in text.Split('\n'))
        {
            lineNumber++;
            string[] fields = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length == 0 || fields[0].StartsWith('#'))
            {
                continue;
            }
            try
            {
                CowtabEntry entry = ParseEntry(lineNumber, fields);
                RefuseDouble(entry, entries);
                entries.Add(entry);
            }
            catch (CowloopException exception)
            {
                errors.Add(new CowtabError(lineNumber, exception.Hint is null ? exception.Message : $"{exception.Message}; {exception.Hint}"));
            }
        }
        return new Cowtab(entries, errors);
    }

    private static CowtabEntry ParseEntry(int lineNumber, string[] fields)
    {
        if (fields.Length is not (3 or 4))
        {
            throw Bad($"a device has 3 or 4 fields, BASE COWFILE NUMBER [OPTIONS], not {fields.Length} (write \\040 for a blank in a path)");
        }
        var entry = new CowtabEntry(lineNumber, ParsePath(fields[0]), ParsePath(fields[1]), ParseNumber(fields[2]));
        return fields.Length == 3 || fields[3] == "-" ? entry : fields[3].Split(',').Aggregate(entry, WithOption);
    }

    private static string ParsePath(string field)
    {
        // An escape is a byte; a character may have several.
        string bytes = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(field));
        if (bytes.Count(character => character == '\\') != Escape().Count(bytes))
        {
            throw Bad($"'{field}' has a backslash without three octal digits: write \\134 for a backslash");
        }
        string path = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(
            Escape().Replace(bytes, match => ((char)Convert.ToInt32(match.Groups[1].Value, 8)).ToString())));
        if (!path.StartsWith('/') || path.Contains('\0'))
        {
            throw Bad($"'{field}' is not an absolute path");
        }
        return path;
    }

    private static int? ParseNumber(string field)
    {
        if (field == AutoNumber)
        {
            return null;
        }
        return int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number < LoadParameters.MostDevices
            && number.ToString(CultureInfo.InvariantCulture) == field
            ? number
            : throw Bad($"'{field}' is not a device number: give one from 0 to {LoadParameters.MostDevices - 1}, or {AutoNumber}");
    }

    private static CowtabEntry WithOption(CowtabEntry entry, string option)
    {
        int equals = option.IndexOf('=');
        string value = option[(equals + 1)..];
        return (equals < 0 ? option : option[..(equals + 1)]) switch
        {
            "defaults" => entry,
            "noauto" => entry with { NoAuto = true },
            "nofail" => entry with { NoFail = true },
            "repair" => entry with { Repair = true },
            "accept-base" => entry with { AcceptBase = true },
            "on-full=" => entry with { OnFull = OnFull.Parse(value) },
            "warn-at=" => entry with { WarnAt = Watermark.Format(Watermark.ParseList(entry.WarnAt.Length == 0 ? value : $"{entry.WarnAt},{value}")) },
            "hook=" => entry with { Hook = ParsePath(value) },
            _ => throw Bad(
                $"unknown option '{option}': there are noauto, nofail, repair, accept-base, on-full=, warn-at=, hook= and defaults"),
        };
    }

    private static void RefuseDouble(CowtabEntry entry, List<CowtabEntry> earlier)
    {
        if (entry.Number is int number && earlier.Find(other => other.Number == number) is CowtabEntry numbered)
        {
            throw Bad($"number {number} is that of line {numbered.LineNumber}");
        }
        if (earlier.Find(other => other.Cowfile == entry.Cowfile) is CowtabEntry same)
        {
            throw Bad($"cowfile {entry.Cowfile} is that of line {same.LineNumber}: every device needs one of its own");
        }
    }

    private static CowloopException Bad(string reason) => new(Errno.EINVAL, reason);

    [GeneratedRegex(@"\\([0-3][0-7][0-7])")]
    private static partial Regex Escape();
}
