using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>Makes one new cowfile of a layer and the cowfile on it, by their names.</summary>
internal sealed class LayerJoin : IDisposable
{
    private readonly StackOpener? _stack;
    private readonly StoredFile _upper;
    private readonly StoredFile _lower;
    private readonly string _lowerPath;
    private readonly LayerJoiner _joiner;

    private LayerJoin(StackOpener? stack, StoredFile upper, StoredFile lower, string lowerPath, LayerJoiner joiner)
    {
        _stack = stack;
        _upper = upper;
        _lower = lower;
        _lowerPath = lowerPath;
        _joiner = joiner;
    }

    /// <summary>Blocks of both together.</summary>
    public long BlockCount => _joiner.CopiedBlockCount;

    /// <summary>The layer: as it was named, or where it was found.</summary>
    public string LowerName => _lowerPath;

    /// <summary>Opens both and verifies that they belong together.</summary>
    /// <param name="upperName">The cowfile.</param>
    /// <param name="lowerName">The layer that it lies on; null for the one that its record names.</param>
    /// <param name="baseName">The base, to verify all that is below with it; null leaves that out.</param>
    /// <exception cref="CowloopException">They do not, or one of them is in use.</exception>
    public static LayerJoin Prepare(string upperName, string? lowerName, string? baseName)
    {
        string lower = lowerName ?? FindLower(upperName);
        StackOpener? stack = null;
        StoredFile? upperFile = null;
        StoredFile? lowerFile = null;
        try
        {
            stack = baseName is null ? null : StackOpener.Open(baseName, [lower, upperName]);
            upperFile = FileOpener.OpenToRead(upperName);
            lowerFile = FileOpener.OpenToRead(lower);
            var upper = new CheckedFile(upperFile, upperName);
            if (stack is null && CowfileChecks.ReadRecord(upper) is null)
            {
                throw new CowloopException(
                    Errno.EINVAL,
                    $"{upperName} is a plain cowfile: it does not say what it lies on",
                    $"name what it does, and it can be verified: cowloop merge LOWER {ShellWord.ForPath(upperName)} --into NEW.cow --base BASE");
            }
            var joiner = LayerJoiner.Prepare(upper, new CheckedFile(lowerFile, lower));
            return new LayerJoin(stack, upperFile, lowerFile, lower, joiner);
        }
        catch
        {
            lowerFile?.Dispose();
            upperFile?.Dispose();
            stack?.Dispose();
            throw;
        }
    }

    /// <summary>Makes the new cowfile; it has its name only when it is whole and durable.</summary>
    /// <returns>Blocks that it holds.</returns>
    /// <exception cref="CowloopException">It can't be made; there is nothing of it.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; there is nothing of it.</exception>
    public long Run(string newName)
    {
        using var session = new WorkSession();
        using var output = OutputFile.Prepare(newName, [_upper.Identity, _lower.Identity], overwrite: false);
        string lowerDirectory = Path.GetDirectoryName(Path.GetFullPath(_lowerPath))!;
        string newDirectory = Path.GetDirectoryName(Path.GetFullPath(newName))!;
        CowContents contents = _joiner.Run(output.CreateCowfile(_joiner.Layout, store: null), Guid.NewGuid(), SeenFromNew, session);
        output.Commit();
        return contents.UsedBlocks;

        string SeenFromNew(string path) => path.Length == 0 || Path.IsPathRooted(path)
            ? path
            : Path.GetRelativePath(newDirectory, Path.GetFullPath(path, lowerDirectory));
    }

    public void Dispose()
    {
        _lower.Dispose();
        _upper.Dispose();
        _stack?.Dispose();
    }

    private static string FindLower(string upperName)
    {
        IReadOnlyList<StackMember> members = LayerFinder.Complete([new StackMember(upperName, Path.GetFullPath(upperName))]);
        return members.Count > 1
            ? members[^2].Name
            : throw new CowloopException(
                Errno.EINVAL,
                $"{upperName} does not say that it lies on a layer: there is nothing to merge it with",
                $"name a layer before it; or merge it into its base: cowloop merge BASE {ShellWord.ForPath(upperName)}");
    }
}
