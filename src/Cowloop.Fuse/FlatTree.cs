using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Cowloop.Fuse;

/// <summary>
/// A root directory with files in it: all the tree there is. A node number is never used twice, so the kernel can't take
/// a new file for an old one of the same name. Safe for any thread.
/// </summary>
public sealed class FlatTree
{
    private readonly ConcurrentDictionary<string, ulong> _names = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<ulong, FuseFile> _files = new();
    private ulong _lastNode = FuseAbi.FUSE_ROOT_ID;

    /// <summary>Adds a file.</summary>
    /// <exception cref="InvalidOperationException">The name is taken.</exception>
    public void Add(string name, FuseFile file)
    {
        ulong node = Interlocked.Increment(ref _lastNode);
        _files[node] = file;
        if (!_names.TryAdd(name, node))
        {
            _files.TryRemove(node, out _);
            throw new InvalidOperationException($"{name} is in the tree already");
        }
    }

    /// <summary>Takes a file out. Requests for openings that still exist find it no more.</summary>
    public void Remove(string name)
    {
        if (_names.TryRemove(name, out ulong node))
        {
            _files.TryRemove(node, out _);
        }
    }

    internal bool TryLookup(string name, out ulong node, [NotNullWhen(true)] out FuseFile? file)
    {
        file = null;
        return _names.TryGetValue(name, out node) && _files.TryGetValue(node, out file);
    }

    internal bool TryGet(ulong node, [NotNullWhen(true)] out FuseFile? file) => _files.TryGetValue(node, out file);

    /// <summary>The names in a stable order, with their nodes.</summary>
    internal KeyValuePair<string, ulong>[] List()
    {
        KeyValuePair<string, ulong>[] entries = _names.ToArray();
        Array.Sort(entries, (left, right) => left.Value.CompareTo(right.Value));
        return entries;
    }
}
