using System.Text.Json;

namespace Cowloop.SystemTests.Support;

/// <summary>The kernel's loop devices. Those of one service have the number of its FUSE filesystem in common.</summary>
internal static class LoopTable
{
    /// <summary>The filesystem, as MAJOR:MINOR, that the file behind a loop device is on.</summary>
    public static string BackingDeviceOf(string kernelName) =>
        Shell.Run("losetup", "--noheadings", "--output", "BACK-MAJ:MIN", $"/dev/{kernelName}").Output.Trim();

    /// <summary>The loop devices whose files are on one of these filesystems.</summary>
    public static IEnumerable<string> BoundTo(IReadOnlySet<string> backingDevices)
    {
        string text = Shell.Run("losetup", "--list", "--json", "--output", "NAME,BACK-MAJ:MIN").Output;
        if (backingDevices.Count == 0 || text.Length == 0)
        {
            return [];
        }
        using var table = JsonDocument.Parse(text);
        return
        [
            .. table.RootElement.GetProperty("loopdevices").EnumerateArray()
                .Where(loop => backingDevices.Contains(loop.GetProperty("back-maj:min").GetString()!.Trim()))
                .Select(loop => loop.GetProperty("name").GetString()!),
        ];
    }
}
