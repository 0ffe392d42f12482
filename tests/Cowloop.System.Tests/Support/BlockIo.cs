using System.Globalization;

namespace Cowloop.SystemTests.Support;

/// <summary>Direct reads and writes of a block device with dd; offsets and lengths are multiples of its sector size.</summary>
internal static class BlockIo
{
    /// <summary>Writes and flushes.</summary>
    public static void Write(string device, long offset, byte[] bytes) => TryWrite(device, offset, bytes).MustSucceed();

    /// <summary>Writes and flushes, whatever comes of it.</summary>
    public static CommandResult TryWrite(string device, long offset, byte[] bytes) => TryWrite(device, offset, bytes, "conv=notrunc,fsync");

    /// <summary>Writes; a later crash may take it back.</summary>
    public static void WriteUnflushed(string device, long offset, byte[] bytes) => TryWrite(device, offset, bytes, "conv=notrunc").MustSucceed();

    private static CommandResult TryWrite(string device, long offset, byte[] bytes, string conversion)
    {
        string source = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(source, bytes);
            return Shell.Try(
                "dd", $"if={source}", $"of={device}", Argument("bs", bytes.Length), "count=1", Argument("seek", offset), "oflag=direct,seek_bytes", conversion, "status=none");
        }
        finally
        {
            File.Delete(source);
        }
    }

    public static byte[] Read(string device, long offset, int length)
    {
        string target = Path.GetTempFileName();
        try
        {
            TryRead(device, offset, length, target).MustSucceed();
            return File.ReadAllBytes(target);
        }
        finally
        {
            File.Delete(target);
        }
    }

    /// <summary>Reads, whatever comes of it.</summary>
    public static CommandResult TryRead(string device, long offset, int length, string target = "/dev/null") => Shell.Try(
        "dd", $"if={device}", $"of={target}", Argument("bs", length), "count=1", Argument("skip", offset), "iflag=direct,skip_bytes", "status=none");

    /// <summary>Size of a block device in bytes.</summary>
    public static long SizeOf(string device) =>
        long.Parse(Shell.Run("blockdev", "--getsize64", device).Line, CultureInfo.InvariantCulture);

    private static string Argument(string name, long value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");
}
