using System.ComponentModel;
using System.Diagnostics;
using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>What a block device holds that is about to be overwritten; libblkid's wipefs knows.</summary>
internal static class DeviceContent
{
    /// <summary>Names what is on a device: a filesystem, a partition table, a volume, a store.</summary>
    /// <param name="device">Path of the device.</param>
    /// <returns>Null when nothing is recognised.</returns>
    /// <exception cref="CowloopException">It can't be found out.</exception>
    public static string? Describe(string device)
    {
        Errno errno = PosixFile.TryOpenRead(device, out PosixFile? file);
        if (file is null)
        {
            throw new CowloopException(errno, $"{device} cannot be opened for reading: {errno.Text()}");
        }
        using (file)
        {
            if (CompactFile.IsCompact(file))
            {
                return "a compact store of a cowfile";
            }
        }
        string[] found =
        [
            .. Wipefs("--no-act", "--noheadings", "--output", "TYPE,LABEL", device)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Distinct(),
        ];
        return found.Length == 0 ? null : string.Join(", ", found);
    }

    /// <summary>Takes away what a device is recognised by, so that nobody takes it for what it was.</summary>
    /// <exception cref="CowloopException">It is in use, or can't be written.</exception>
    public static void Erase(string device) => _ = Wipefs("--all", "--quiet", device);

    private static string Wipefs(params string[] arguments)
    {
        var start = new ProcessStartInfo("wipefs", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new CowloopException(
                    Errno.EBUSY,
                    $"{arguments[^1]} cannot be looked at or emptied: {errors.Result.Trim()}",
                    "end its use: a mount, a volume group, another program");
        }
        catch (Win32Exception exception)
        {
            throw new CowloopException(
                Errno.ENOENT,
                $"wipefs, which knows what a block device holds, cannot be run: {exception.Message}",
                "install it (Debian package util-linux)");
        }
    }
}
