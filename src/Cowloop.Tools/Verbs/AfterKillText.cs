using System.Globalization;
using System.Text;
using Cowloop.Control;

namespace Cowloop.Tools.Verbs;

/// <summary>What a kill of the service has left for people to do.</summary>
internal static class AfterKillText
{
    /// <summary>The text, with an empty line before each of its parts; empty when there is nothing to do.</summary>
    public static string Format(ServiceStatus service)
    {
        var text = new StringBuilder();
        if (service.Unrecovered.Count > 0)
        {
            text.Append("\nNot active again since the service was killed; 'cowloop detach DEVICE' forgets one:\n");
        }
        foreach (UnrecoveredDevice device in service.Unrecovered)
        {
            string hint = device.Hint is null ? "" : $"; {device.Hint}";
            text.Append(CultureInfo.InvariantCulture, $"{device.Path}: {device.Reason}{hint}\n");
            AppendCommand(text, device.Command);
        }
        if (service.OrphanedUses.Count > 0)
        {
            text.Append("\nIn use as the killed service has left it, with nothing but errors until that use ends:\n");
        }
        foreach (OrphanedUse use in service.OrphanedUses)
        {
            text.Append(CultureInfo.InvariantCulture, $"cowdevice {use.Number}, the former {use.KernelName}: {use.Use}\n");
            AppendCommand(text, use.Command);
        }
        return text.ToString();
    }

    private static void AppendCommand(StringBuilder text, string? command)
    {
        if (command is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"    {command}\n");
        }
    }
}
