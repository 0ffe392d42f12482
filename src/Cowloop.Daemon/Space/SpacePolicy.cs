using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Daemon.Space;

/// <summary>How a device behaves when space for its cowfile runs short: <see cref="SettingsRequest"/>, checked.</summary>
/// <param name="OnFull">What a change does that finds no space.</param>
/// <param name="Marks">Where it says that space runs short.</param>
/// <param name="Hook">The program that is run then; empty for none.</param>
internal sealed record SpacePolicy(OnFull OnFull, IReadOnlyList<Watermark> Marks, string Hook)
{
    // The longest that makes sense is below 200 characters; a refusal repeats it.
    private const int MaxTextLength = 256;
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>That of a device of which nothing else is said.</summary>
    public static SpacePolicy Standard { get; } = new(OnFull.Error, [], "");

    /// <summary>The policy as it is told.</summary>
    public DeviceSettings Settings => new(OnFull.ToString(), Watermark.Format(Marks), Hook);

    /// <summary>The policy with what is set; the rest as it is. The hook is not looked at.</summary>
    /// <exception cref="CowloopException">A setting makes no sense.</exception>
    public SpacePolicy With(SettingsRequest? settings) => settings is null ? this : new SpacePolicy(
        settings.OnFull is null ? OnFull : OnFull.Parse(Bounded(settings.OnFull)),
        settings.WarnAt is null ? Marks : Watermark.ParseList(Bounded(settings.WarnAt)),
        settings.Hook ?? Hook);

    private static string Bounded(string text) => text.Length <= MaxTextLength
        ? text
        : throw new CowloopException(Errno.EINVAL, $"a setting has at most {MaxTextLength} characters");

    /// <summary>Refuses a hook that could not be run.</summary>
    /// <exception cref="CowloopException">So it is.</exception>
    public static void RequireHook(string path)
    {
        if (path.Length == 0)
        {
            return;
        }
        RequestPath.Check(path);
        if (!path.StartsWith('/'))
        {
            throw new CowloopException(Errno.EINVAL, $"hook '{path}' is not an absolute path", "name a program; what it needs to know is in its environment");
        }
        if (!File.Exists(path) || (File.GetUnixFileMode(path) & Executable) == 0)
        {
            throw new CowloopException(Errno.EINVAL, $"hook {path} is not a program that can be run", "name an executable file") { Path = path };
        }
    }
}
