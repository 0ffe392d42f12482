using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop grow: more room for the changes in a compact store, whether or not it is in use.</summary>
internal static class GrowVerb
{
    private const string NoLimit = "none";

    public static Command Create()
    {
        Argument<string> cowfile = VerbOptions.Cowfile();
        cowfile.Description = "The cowfile, or a device whose cowfile is meant";
        Argument<GrowRequest> size = Size();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "grow",
            "Let a compact store get larger, also while its device is in use: another limit for its file, or all of the block device that it is on. "
            + "Changes that wait for space go on.",
            "cowloop grow /dev/cow/0 +1G")
        {
            cowfile,
            size,
            json,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
            Grow(client, paths, result.GetRequiredValue(cowfile), result.GetValue(size) ?? new GrowRequest(), result.GetValue(json))));
        return command;
    }

    private static Argument<GrowRequest> Size()
    {
        var size = new Argument<GrowRequest>("SIZE")
        {
            Description = "The new limit: in KiB, or with K, M, G or T behind it; with + before it, so much more; or none. "
                + "Left out for a block device, which is asked how large it is by now",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                GrowRequest? request = Parse(text);
                if (request is null)
                {
                    result.AddError($"'{text}' is not a size: give one such as 4G, +1G for so much more, or none for no limit");
                }
                return request;
            },
        };
        size.CompletionSources.Add(NoLimit);
        return size;
    }

    private static GrowRequest? Parse(string text)
    {
        if (text == NoLimit)
        {
            return new GrowRequest(Unlimited: true);
        }
        bool isAdded = text.StartsWith('+');
        if (!HumanSize.TryParseKiB(isAdded ? text[1..] : text, out ulong kib) || kib is 0 or > long.MaxValue / 1024)
        {
            return null;
        }
        long bytes = (long)kib * 1024;
        return isAdded ? new GrowRequest(AddedBytes: bytes) : new GrowRequest(LimitBytes: bytes);
    }

    private static int Grow(ControlClient client, CowloopPaths paths, string argument, GrowRequest request, bool asJson)
    {
        GrowReply reply = FindDevice(client, paths, argument) is int number ? client.Grow(number, request) : GrowFile(argument, request);
        Console.WriteLine(asJson ? JsonSerializer.Serialize(reply, ControlJson.Default.GrowReply) : Describe(reply));
        return 0;
    }

    /// <summary>The number of a device that is meant by its node or by its cowfile; null for a cowfile that no device has.</summary>
    private static int? FindDevice(ControlClient client, CowloopPaths paths, string argument)
    {
        if (FileIdentity.TryGet(argument, out FileIdentity identity) == Errno.None
            && (ActiveDevices.FindByNode(identity) ?? ActiveDevices.FindByCowfile(identity)) is DeviceStatus device)
        {
            return device.Number;
        }
        // A node need not be there: then the service says so.
        return argument.Length > 0 && Path.GetDirectoryName(Path.GetFullPath(argument)) == paths.DeviceDirectory
            ? VerbOptions.NumberOf(argument, client, paths)
            : null;
    }

    private static GrowReply GrowFile(string name, GrowRequest request)
    {
        StoreGrowth growth = request switch
        {
            { Unlimited: true } => StoreGrowth.Unlimited,
            { LimitBytes: long bytes } => StoreGrowth.To(bytes),
            { AddedBytes: long bytes } => StoreGrowth.By(bytes),
            _ => StoreGrowth.Unsaid,
        };
        using StoredFile file = FileOpener.OpenToChange(name);
        StoreSize size = growth.Apply(file, name);
        Errno errno = file.TryGetSpace(out FileSystemSpace space);
        return errno == Errno.None
            ? new GrowReply(
                Path.GetFullPath(name),
                null,
                file.Identity.Kind == FileKind.BlockDevice,
                size.FormerBytes,
                size.Bytes,
                new CowfileSpace(space.TotalKiB, space.AvailableKiB))
            : throw new CowloopException(errno, $"it is done, but the filesystem of {name} does not tell its space: {errno.Text()}");
    }

    /// <summary>What was done, for people.</summary>
    internal static string Describe(GrowReply reply)
    {
        string room = $"{HumanSize.FormatKiB(reply.Space.AvailableKiB)} available for changes";
        string what = reply.Device is null ? reply.CowfilePath : $"{reply.CowfilePath} of {reply.Device}";
        string before = reply.FormerBytes == reply.LimitBytes ? "as before" : $"before {SizeOf(reply.FormerBytes)}";
        return reply switch
        {
            { OnDevice: true } => $"{what} has {SizeOf(reply.LimitBytes)}, {before}; {room}",
            { LimitBytes: null } => $"{what} takes what its filesystem has, {before}; {room}",
            _ => $"{what} takes at most {SizeOf(reply.LimitBytes)}, {before}; {room}",
        };
    }

    private static string SizeOf(long? bytes) => bytes is long count ? HumanSize.Format(count) : "no limit";
}
