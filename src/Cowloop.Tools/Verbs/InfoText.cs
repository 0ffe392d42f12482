using System.Globalization;
using System.Text;
using Cowloop.Control;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>What <c>cowloop info</c> shows to people.</summary>
internal static class InfoText
{
    private const int CellsPerRow = 64;
    private const int OffsetWidth = 11;

    public static string Format(string name, CowfileInfo info, ChangeMap map)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{name}: what has changed on a base of {HumanSize.Format(info.BaseBytes)}\n\n");
        string use = info.Device is null ? "" : $", in use as {info.Device}: shown is what its last sync has written";
        Line("state", $"{info.State}{(info.Packed ? ", packed" : "")}{use}");
        long changedBytes = info.ChangedBlocks * info.BlockSize;
        string blocks = $"{Count(info.ChangedBlocks, "block")} in {Count(info.ChangedRuns, "run")}";
        Line("changed", $"{HumanSize.Format(changedBytes)} ({Percent(changedBytes, info.BaseBytes)}), {blocks}");
        string where = info.Store.OnDevice ? "on a block device" : "in a file";
        Line("on disk", $"{HumanSize.Format(info.AllocatedBytes)} {where} of {HumanSize.Format(info.LengthBytes)}");
        Line("base", $"{info.BaseBytes / info.BlockSize} blocks of {info.BlockSize} bytes, fingerprint {info.BaseFingerprint}");
        if (info.Record is RecordInfo record)
        {
            AppendRecord(record);
        }
        AppendLayers();
        if (info.Store.UsedChunks is long chunks)
        {
            string free = info.Store.FreeChunks is long count ? $", {count.ToString(CultureInfo.InvariantCulture)} free" : "";
            Line("store", $"{info.Store}, {Count(chunks, "chunk")} in use{free}");
        }
        Line("format", $"version {info.FormatVersion}, {info.WordSize * 8}-bit, {info.ByteOrder}-endian");
        AppendMap(text, map, TerminalText.HasShades ? " ░▒▓█" : " .:+#");
        return text.ToString();

        void AppendRecord(RecordInfo record)
        {
            string path = record.BasePath is null ? "" : $"made for {record.BasePath}, ";
            string modified = record.BaseModified?.ToString("', modified' yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) ?? "";
            Line("", $"{path}{record.BaseBytes} bytes{modified}");
            if (record.BaseSha256 is not null)
            {
                Line("", $"SHA-256 {record.BaseSha256}");
            }
            if (record.AcceptedChanges > 0)
            {
                Line("", $"taken {Count(record.AcceptedChanges, "time")} although it had changed (--accept-base)");
            }
            Line("identity", $"{record.Id}, generation {record.Generation}{(record.Sealed ? ", sealed: never written again" : "")}");
            if (record.Merged is MergedInfo merged)
            {
                Line("", $"{merged.Id} is merged into it{(merged.Complete ? "" : " in part: run the same cowloop merge again")}");
            }
        }

        void AppendLayers()
        {
            for (int index = 0; index < info.Layers.Count; index++)
            {
                ChainLayer layer = info.Layers[index];
                string state = layer.State == "found" ? "" : $" ({layer.State})";
                Line(index == 0 ? "layers" : "", $"{layer.Path ?? "?"}{state}: {layer.Id}, generation {layer.Generation}{(layer.Sealed ? ", sealed" : "")}");
            }
        }

        void Line(string label, string value) => text.Append(CultureInfo.InvariantCulture, $"  {label,-9}{value}\n");
    }

    /// <summary>A cell per range, shaded by how much of it has changed; the offset of its first one before each row.</summary>
    internal static void AppendMap(StringBuilder text, ChangeMap map, string shades)
    {
        text.Append('\n');
        for (int row = 0; row < map.CellCount; row += CellsPerRow)
        {
            text.Append(CultureInfo.InvariantCulture, $"{HumanSize.Format(row * map.BlocksPerCell * 1024),OffsetWidth} |");
            for (int cell = row; cell < Math.Min(row + CellsPerRow, map.CellCount); cell++)
            {
                text.Append(shades[ShadeOf(map.Fill(cell), shades.Length)]);
            }
            text.Append("|\n");
        }
        string steps = $"'{shades[1]}' to {Percent(1, 3)}, '{shades[2]}' to {Percent(2, 3)}, '{shades[3]}' more, '{shades[4]}' all of it";
        text.Append(CultureInfo.InvariantCulture, $"{"",OffsetWidth}  a cell is {HumanSize.Format(map.BlocksPerCell * 1024)}: ' ' unchanged, {steps}\n");
    }

    /// <summary>The first shade is for nothing at all, the last one for everything.</summary>
    private static int ShadeOf(double fill, int shadeCount) => fill switch
    {
        <= 0 => 0,
        >= 1 => shadeCount - 1,
        _ => 1 + (int)(fill * (shadeCount - 2)),
    };

    private static string Percent(long part, long whole)
    {
        double percent = 100.0 * part / whole;
        return percent is > 0 and < 0.1 ? "under 0.1 %" : $"{percent.ToString(percent is 0 or 100 or > 33 ? "0" : "0.0", CultureInfo.InvariantCulture)} %";
    }

    private static string Count(long count, string what) => $"{count.ToString(CultureInfo.InvariantCulture)} {what}{(count == 1 ? "" : "s")}";
}
