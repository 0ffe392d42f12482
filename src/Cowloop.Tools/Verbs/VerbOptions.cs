using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>Arguments and options that several verbs have, each spelled the same everywhere.</summary>
internal static class VerbOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Print JSON" };

    public static Argument<string> Cowfile() => new("COWFILE") { Description = "The cowfile" };

    public static Argument<string> Base() => new("BASE") { Description = "The read-only image or block device" };

    /// <summary>The base of a cowfile, where it need not be named.</summary>
    public static Option<string?> BaseOf(string description) => new("--base") { Description = description, HelpName = "BASE" };

    /// <summary>A device number.</summary>
    public static Option<int?> Number() => new("--number", "-n")
    {
        Description = "The device number wanted; otherwise the first free one",
        HelpName = "N",
        CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                return number;
            }
            result.AddError($"'{result.Tokens[0].Value}' is not a device number");
            return null;
        },
    };

    /// <summary>A size in bytes, written as a number of KiB or with a unit.</summary>
    public static Option<long?> Size(string name, string description) => new(name)
    {
        Description = $"{description}; in KiB, or with K, M, G or T behind it",
        HelpName = "SIZE",
        CustomParser = result =>
        {
            if (HumanSize.TryParseKiB(result.Tokens[0].Value, out ulong kib) && kib <= long.MaxValue / 1024)
            {
                return (long)kib * 1024;
            }
            result.AddError($"'{result.Tokens[0].Value}' is not a size");
            return null;
        },
    };

    /// <summary>The number of a device that a user named.</summary>
    /// <exception cref="CowloopException">It is no cowdevice.</exception>
    public static int NumberOf(string device, ControlClient client, CowloopPaths paths)
    {
        client.Connect();
        return DeviceArgument.Resolve(device, device, client, paths, out string message)
            ?? throw new CowloopException(Errno.EINVAL, message, "cowloop list shows the active devices");
    }

    /// <summary>Devices, completed from the active ones.</summary>
    public static Argument<string[]> Devices() => CompletedFromActive(new Argument<string[]>("DEVICE")
    {
        Description = "For instance /dev/cow/0",
        Arity = ArgumentArity.OneOrMore,
    });

    /// <summary>One device.</summary>
    public static Argument<string> Device() => CompletedFromActive(new Argument<string>("DEVICE") { Description = "For instance /dev/cow/0" });

    /// <summary>A device that need not be named.</summary>
    public static Argument<string?> OptionalDevice() => CompletedFromActive(new Argument<string?>("DEVICE")
    {
        Description = "A device, for instance /dev/cow/0 or 0",
        Arity = ArgumentArity.ZeroOrOne,
    });

    private static Argument<T> CompletedFromActive<T>(Argument<T> argument)
    {
        argument.CompletionSources.Add(_ => ActiveDevices.Read(CowloopPaths.FromEnvironment()).Select(device => new CompletionItem(device.Path)));
        return argument;
    }
}
