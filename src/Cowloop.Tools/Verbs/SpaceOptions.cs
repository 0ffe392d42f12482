using System.CommandLine;
using Cowloop.Control;

namespace Cowloop.Tools.Verbs;

/// <summary>The options that say how a device behaves when space for its cowfile runs short.</summary>
internal sealed class SpaceOptions
{
    private readonly Option<string?> _onFull = new("--on-full")
    {
        Description = "What a change does that finds no space: error, wait, or wait:SECONDS and then error. "
            + "A mounted filesystem normally survives only with wait",
        HelpName = "POLICY",
    };

    private readonly Option<string?> _warnAt = new("--warn-at")
    {
        Description = "Say when space runs short: at this share of the disk in use, or this size left; several separated by commas, such as 80%,1G",
        HelpName = "MARKS",
    };

    private readonly Option<string?> _hook = new("--hook")
    {
        Description = "Run this program then; its environment says what has happened",
        HelpName = "PROGRAM",
    };

    /// <summary>Gives a verb these options.</summary>
    public void AddTo(Command command)
    {
        command.Add(_onFull);
        command.Add(_warnAt);
        command.Add(_hook);
    }

    /// <summary>What was given; null stands for what was not.</summary>
    /// <exception cref="Core.CowloopException">It makes no sense.</exception>
    public SettingsRequest Read(ParseResult result)
    {
        if (result.GetValue(_onFull) is string onFull)
        {
            OnFull.Parse(onFull);
        }
        if (result.GetValue(_warnAt) is string warnAt)
        {
            Watermark.ParseList(warnAt);
        }
        string? hook = result.GetValue(_hook);
        return new SettingsRequest(result.GetValue(_onFull), result.GetValue(_warnAt), string.IsNullOrEmpty(hook) ? hook : Path.GetFullPath(hook));
    }
}
