using System.Globalization;

namespace Cowloop.Tests.Support;

/// <summary>What a file costs on its disk.</summary>
internal static class DiskUsage
{
    /// <summary>Allocated bytes, as du tells them.</summary>
    public static long Of(string path)
    {
        // A filesystem may allocate late; du would not see it.
        Shell.Run("sync", path);
        return long.Parse(Shell.Run("du", "--block-size=1", path).Output.Split('\t')[0], CultureInfo.InvariantCulture);
    }
}
