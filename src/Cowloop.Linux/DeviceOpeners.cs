using System.Globalization;

namespace Cowloop.Linux;

/// <summary>
/// Finds the processes that have block devices open. The kernel does not tell; every descriptor of every process must be looked at, which
/// takes some ten milliseconds. So callers that come at the same time share a look, one that began after they all came.
/// </summary>
public sealed class DeviceOpeners
{
    private readonly Lock _lookLock = new();
    private long _begun;
    private ILookup<DeviceNumber, string>? _last;

    /// <param name="nodeDirectory">Where there are block nodes besides /dev.</param>
    public DeviceOpeners(string nodeDirectory) => NodeDirectories = ["/dev/", $"{nodeDirectory}/"];

    /// <summary>Where there are block nodes, each with a slash behind it.</summary>
    internal IReadOnlyList<string> NodeDirectories { get; }

    /// <summary>What has each device open, for messages; as it was at some moment since the call.</summary>
    public ILookup<DeviceNumber, string> Find()
    {
        long begunBefore = Volatile.Read(ref _begun);
        lock (_lookLock)
        {
            if (_last is null || _begun == begunBefore)
            {
                Volatile.Write(ref _begun, _begun + 1);
                _last = Look();
            }
            return _last;
        }
    }

    private ILookup<DeviceNumber, string> Look()
    {
        var openers = new List<(DeviceNumber Device, string User)>();
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int id))
            {
                continue;
            }
            foreach (string descriptor in KernelText.DescriptorsOf(process))
            {
                // Only names of nodes are worth a look at the file behind them: elsewhere it could be one that does not answer.
                string target = KernelText.TargetOf(descriptor);
                if (NodeDirectories.Any(directory => target.StartsWith(directory, StringComparison.Ordinal))
                    && BlockNode.TargetOf(descriptor) is DeviceNumber device)
                {
                    openers.Add((device, $"open in process {id} ({KernelText.ReadOrEmpty($"{process}/comm")})"));
                }
            }
        }
        return openers.ToLookup(opener => opener.Device, opener => opener.User);
    }
}
