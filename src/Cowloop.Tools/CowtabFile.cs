using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Tools.Work;

namespace Cowloop.Tools;

/// <summary>The cowtab of this machine: /etc/cowloop/cowtab, or what COWLOOP_TAB names.</summary>
internal sealed class CowtabFile
{
    private const string StandardPath = "/etc/cowloop/cowtab";

    private readonly Cowtab _table;

    private CowtabFile(string path, Cowtab table)
    {
        Path = path;
        _table = table;
    }

    /// <summary>Its path, for messages.</summary>
    public string Path { get; }

    /// <summary>The devices, in the order of the file.</summary>
    public IReadOnlyList<CowtabEntry> Entries => _table.Entries;

    /// <summary>Reads the file.</summary>
    /// <exception cref="CowloopException">It can't be read; a line that can't be understood is no reason.</exception>
    public static CowtabFile Read()
    {
        string? other = Environment.GetEnvironmentVariable("COWLOOP_TAB");
        string path = string.IsNullOrEmpty(other) ? StandardPath : System.IO.Path.GetFullPath(other);
        try
        {
            return new CowtabFile(path, Cowtab.Parse(File.ReadAllText(path)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            bool isMissing = exception is FileNotFoundException or DirectoryNotFoundException;
            throw new CowloopException(
                isMissing ? Errno.ENOENT : Errno.EACCES,
                $"cannot read {path}: {(isMissing ? Errno.ENOENT.Text() : exception.Message)}",
                "it has one line for each device: BASE COWFILE NUMBER");
        }
    }

    /// <summary>Writes to standard error what is wrong with which line.</summary>
    /// <returns>True when there was such a line.</returns>
    public bool ReportErrors()
    {
        foreach (CowtabError error in _table.Errors)
        {
            ErrorReport.Write("cowloop", new CowloopException(Errno.EINVAL, $"{Path}:{error.LineNumber}: {error.Reason}"));
        }
        return _table.Errors.Count > 0;
    }

    /// <summary>The same error, with the line that it comes from.</summary>
    public CowloopException At(CowtabEntry entry, CowloopException exception) =>
        new(exception.Errno, $"{Path}:{entry.LineNumber}: {exception.Message}", exception.Hint) { Path = exception.Path };

    /// <summary>Finds the entries that a user names by number, device or cowfile; they come in the order of the file.</summary>
    /// <exception cref="CowloopException">There is no such entry.</exception>
    public IReadOnlyList<CowtabEntry> Select(IEnumerable<string> names, CowloopPaths paths, IReadOnlyList<DeviceStatus> active)
    {
        var chosen = new HashSet<int>();
        foreach (string name in names)
        {
            if (Find(name, paths, active) is not CowtabEntry entry)
            {
                // It may be one of those.
                ReportErrors();
                throw new CowloopException(Errno.ENOENT, $"{Path} has no device '{name}'", "name one by its number, its device or its cowfile");
            }
            chosen.Add(entry.LineNumber);
        }
        return [.. Entries.Where(entry => chosen.Contains(entry.LineNumber))];
    }

    /// <summary>The active device that an entry stands for, or null.</summary>
    public static DeviceStatus? FindActive(CowtabEntry entry, IReadOnlyList<DeviceStatus> active) =>
        ActiveDevices.FindPair(active, entry.Base, entry.Cowfile, entry.Number);

    /// <summary>Refuses an entry whose number another pair has.</summary>
    /// <exception cref="CowloopException">So it is.</exception>
    public static void RefuseOtherPair(CowtabEntry entry, IReadOnlyList<DeviceStatus> active)
    {
        if (active.FirstOrDefault(device => device.Number == entry.Number) is DeviceStatus other)
        {
            throw new CowloopException(
                Errno.EBUSY,
                $"cowdevice {other.Number} is active with another pair, {other.Base} and {other.Cowfile}",
                $"cowdev -d {other.Path} takes it away");
        }
    }

    private CowtabEntry? Find(string name, CowloopPaths paths, IReadOnlyList<DeviceStatus> active)
    {
        if (name.Length == 0)
        {
            return null;
        }
        string path = System.IO.Path.GetFullPath(name);
        string last = System.IO.Path.GetDirectoryName(path) == paths.DeviceDirectory ? System.IO.Path.GetFileName(path) : name;
        return DeviceArgument.TryParseNumber(last, out int number)
            ? Entries.FirstOrDefault(entry => (entry.Number ?? FindActive(entry, active)?.Number) == number)
            : Entries.FirstOrDefault(entry => ActiveDevices.IsSameFile(entry.Cowfile, path));
    }
}
