using Xunit.Sdk;

namespace Cowloop.Tests.Support;

/// <summary>All files below a directory at one moment: names, lengths, times, hashes.</summary>
internal sealed class DirectorySnapshot
{
    private readonly string _directory;
    private readonly string[] _entries;

    private DirectorySnapshot(string directory)
    {
        _directory = directory;
        _entries = List(directory);
    }

    public static DirectorySnapshot Of(string directory) => new(directory);

    /// <summary>Fails when anything was created, changed or removed.</summary>
    public void MustBeUnchanged()
    {
        string[] now = List(_directory);
        string[] changes = [.. _entries.Except(now).Select(entry => $"before: {entry}"), .. now.Except(_entries).Select(entry => $"now:    {entry}")];
        if (changes.Length > 0)
        {
            throw new XunitException($"{_directory} has changed:\n{string.Join('\n', changes)}");
        }
    }

    private static string[] List(string directory) =>
    [
        .. Shell.Run("find", directory, "-printf", "%p: type %y, %s bytes, mode %m, modified %T@\n").Output.Split('\n').Order(StringComparer.Ordinal),
        .. Shell.Run("find", directory, "-type", "f", "-exec", "sha256sum", "{}", "+").Output.Split('\n').Order(StringComparer.Ordinal),
    ];
}
