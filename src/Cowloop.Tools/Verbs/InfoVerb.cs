using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop info: what is in a cowfile, for people and as data.</summary>
internal static class InfoVerb
{
    public static Command Create()
    {
        Argument<string> cowfile = VerbOptions.Cowfile();
        cowfile.Description = "The cowfile, or a device whose cowfile is meant";
        var ranges = new Option<bool>("--ranges") { Description = "Print the changed ranges of the device instead, a line each: offset and length in bytes" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "info",
            "Show what is in a cowfile and where the changed blocks lie; it may be in use.",
            "cowloop info my.cow")
        {
            cowfile,
            ranges,
            json,
        };
        command.SetAction(result => VerbRunner.Run(() => Show(result.GetRequiredValue(cowfile), result.GetValue(ranges), result.GetValue(json))));
        return command;
    }

    private static int Show(string argument, bool withRanges, bool asJson)
    {
        string name = CowfileOf(argument);
        using StoredFile file = FileOpener.OpenToLook(name);
        var cowfile = new CheckedFile(file, name);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header = CowfileChecks.ReadHeader(cowfile, headerBlock);
        CowfileChecks.RequireKnownVersion(header, name);
        CowLayout layout = CowfileChecks.RequireLayout(header, name);
        CowfileChecks.RequireBitmap(cowfile, layout);
        if (withRanges && !asJson)
        {
            WriteRanges(cowfile, layout);
            return 0;
        }
        var map = new ChangeMap(layout);
        foreach (BlockRun run in CowRuns.Read(cowfile, layout))
        {
            map.Add(run);
        }
        // The ranges are read while they are written: a bitmap may hold more of them than memory.
        IEnumerable<ByteRange>? ranges = withRanges ? CowRuns.Read(cowfile, layout).Select(RangeOf) : null;
        ExtensionRecord? record = CowfileChecks.DecodeRecord(headerBlock, name);
        CowfileInfo info = Describe(name, file, header, record, layout, map, ranges);
        if (asJson)
        {
            using Stream output = Console.OpenStandardOutput();
            JsonSerializer.Serialize(output, info, ToolJson.Default.CowfileInfo);
            output.WriteByte((byte)'\n');
        }
        else
        {
            Console.Write(InfoText.Format(name, info, map));
        }
        return 0;
    }

    /// <summary>A device stands for its cowfile.</summary>
    private static string CowfileOf(string argument)
    {
        if (FileIdentity.TryGet(argument, out FileIdentity identity) != Errno.None || identity.Kind != FileKind.BlockDevice)
        {
            return argument;
        }
        if (ActiveDevices.FindByNode(identity) is DeviceStatus active)
        {
            return active.CowfilePath;
        }
        Errno errno = PosixFile.TryOpenRead(argument, out PosixFile? device);
        using (device)
        {
            return errno == Errno.None && CompactFile.IsCompact(device!)
                ? argument
                : throw new CowloopException(
                    Errno.EINVAL,
                    $"{argument} is neither a cowdevice nor a compact store",
                    "cowloop list shows the active devices");
        }
    }

    private static CowfileInfo Describe(
        string name,
        StoredFile file,
        CowHeader header,
        ExtensionRecord? record,
        CowLayout layout,
        ChangeMap map,
        IEnumerable<ByteRange>? ranges) => new(
        Path.GetFullPath(name),
        header.Flags.HasFlag(CowFlags.Dirty) ? "dirty" : "clean",
        header.Flags.HasFlag(CowFlags.Packed),
        header.Version,
        header.Variant.WordSize,
        header.Variant.BigEndian ? "big" : "little",
        CowLayout.BlockSize,
        layout.DeviceBytes,
        $"{header.Fingerprint:x8}",
        map.UsedBlocks,
        map.RunCount,
        file.File.LengthBytes,
        file.Compact is { IsOnDevice: true } onDevice ? onDevice.UsedChunkCount * onDevice.ChunkBytes : file.File.AllocatedBytes,
        ActiveDevices.FindByCowfile(file.Identity)?.Path,
        RecordInfo.Of(record),
        LayerChain.Below(name, record),
        StoreInfo.Of(file),
        ranges);

    private static void WriteRanges(CheckedFile cowfile, CowLayout layout)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput());
        foreach (BlockRun run in CowRuns.Read(cowfile, layout))
        {
            ByteRange range = RangeOf(run);
            output.WriteLine($"{range.OffsetBytes} {range.LengthBytes}");
        }
    }

    private static ByteRange RangeOf(BlockRun run) => new(run.FirstBlock * CowLayout.BlockSize, run.BlockCount * CowLayout.BlockSize);
}
