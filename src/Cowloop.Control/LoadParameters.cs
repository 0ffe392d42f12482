using System.Globalization;
using Cowloop.Core;

namespace Cowloop.Control;

/// <summary>What the service is started with: the original's module parameters (specification 4.2).</summary>
/// <param name="MaxDevices">Most devices at once.</param>
/// <param name="Base">Base of the first device, or null.</param>
/// <param name="Cowfile">Its cowfile; null exactly when the base is.</param>
/// <param name="Repair">Recover that cowfile when it is dirty.</param>
/// <param name="Warning">What the user should know, or null.</param>
public sealed record LoadParameters(int MaxDevices, string? Base, string? Cowfile, bool Repair, string? Warning)
{
    /// <summary>Devices when nothing else is said.</summary>
    public const int StandardMaxDevices = 16;

    /// <summary>The most devices there can be.</summary>
    public const int MostDevices = 1022;

    /// <summary>Reads <c>maxcows=N rdofile=F cowfile=F option=TEXT</c>, in any order.</summary>
    /// <exception cref="CowloopException">A parameter is unknown or not a number, or only one of the two files is named.</exception>
    public static LoadParameters Parse(IEnumerable<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var parameters = new LoadParameters(StandardMaxDevices, null, null, false, null);
        foreach (string argument in arguments)
        {
            int equals = argument.IndexOf('=');
            string value = argument[(equals + 1)..];
            parameters = (equals < 0 ? "" : argument[..equals]) switch
            {
                "maxcows" => parameters.WithMaxDevices(value),
                "rdofile" => parameters with { Base = value },
                "cowfile" => parameters with { Cowfile = value },
                "option" => parameters with { Repair = value.Contains('r') },
                _ => throw new CowloopException(
                    Errno.EINVAL,
                    $"unknown parameter '{argument}'",
                    "parameters are maxcows=N, rdofile=FILE, cowfile=FILE and option=r"),
            };
        }
        if (parameters.Base is null != parameters.Cowfile is null)
        {
            throw new CowloopException(Errno.EINVAL, "only one filename specified", "give both rdofile=FILE and cowfile=FILE, or neither");
        }
        return parameters;
    }

    private LoadParameters WithMaxDevices(string text)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int count))
        {
            throw new CowloopException(Errno.EINVAL, $"maxcows={text} is not a number", $"give a number from 1 to {MostDevices}");
        }
        return count is >= 1 and <= MostDevices
            ? this with { MaxDevices = count, Warning = null }
            : this with
            {
                MaxDevices = StandardMaxDevices,
                Warning = count > MostDevices
                    ? $"maxcows exceeds maximum of {MostDevices}; {StandardMaxDevices} is used"
                    : $"maxcows={count} is below the minimum of 1; {StandardMaxDevices} is used",
            };
    }
}
