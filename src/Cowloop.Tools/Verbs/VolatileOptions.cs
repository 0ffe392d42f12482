using System.CommandLine;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>The options of a device whose changes are gone with it.</summary>
internal sealed class VolatileOptions
{
    private readonly Option<bool> _isVolatile = new("--volatile")
    {
        Description = "Keep the changes in memory, as long as the device is active: there is no COWFILE, and a flush promises nothing",
    };

    private readonly Option<string?> _directory = new("--in")
    {
        Description = "Keep volatile changes in a file without a name in this directory instead of in memory",
        HelpName = "DIR",
    };

    private readonly Option<long?> _limit = VerbOptions.Size("--size-limit", "How much volatile changes may take; more find no space");

    /// <summary>Gives a verb these options.</summary>
    public void AddTo(Command command)
    {
        command.Add(_isVolatile);
        command.Add(_directory);
        command.Add(_limit);
    }

    /// <summary>What was given; null for a device that keeps its changes.</summary>
    /// <exception cref="CowloopException">An option makes no sense without the first.</exception>
    public VolatileRequest? Read(ParseResult result)
    {
        string? directory = result.GetValue(_directory);
        long? limitBytes = result.GetValue(_limit);
        if (result.GetValue(_isVolatile))
        {
            return new VolatileRequest(directory is null ? null : Path.GetFullPath(directory), limitBytes);
        }
        return directory is null && limitBytes is null
            ? null
            : throw new CowloopException(Errno.EINVAL, "--in and --size-limit are about a volatile device", "give --volatile, or leave them out");
    }
}
