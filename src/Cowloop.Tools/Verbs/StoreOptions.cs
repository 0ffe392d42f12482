using System.CommandLine;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Linux;

namespace Cowloop.Tools.Verbs;

/// <summary>What a new cowfile is kept in, as several verbs are told.</summary>
internal sealed class StoreOptions
{
    private readonly Option<string?> _store = new("--store")
    {
        Description = "What the new cowfile is kept in: classic, a sparse file as cowloop 3.1 made it; "
            + "or compact, chunks one behind the other, on any filesystem",
        HelpName = "KIND",
    };

    private readonly Option<long?> _chunk = VerbOptions.Size("--chunk", "Size of a chunk of a compact store, a power of two from 4K to 1M; usually 64K");

    private readonly Option<long?> _limit = VerbOptions.Size("--store-size", "How long the file of a compact store may get; cowloop grow changes it");

    /// <summary>Makes the options known to a verb.</summary>
    public void AddTo(Command command)
    {
        _store.CompletionSources.Add(StoreRequest.Classic, StoreRequest.Compact);
        command.Add(_store);
        command.Add(_chunk);
        command.Add(_limit);
    }

    /// <summary>What was asked for; null when nothing was.</summary>
    /// <exception cref="CowloopException">There is no such store.</exception>
    public StoreRequest? Read(ParseResult result)
    {
        string? kind = result.GetValue(_store);
        long? chunkBytes = result.GetValue(_chunk);
        if (kind is not (null or StoreRequest.Classic or StoreRequest.Compact))
        {
            throw new CowloopException(Errno.EINVAL, $"there is no store '{kind}'", "--store classic, or --store compact");
        }
        long? limitBytes = result.GetValue(_limit);
        if (chunkBytes is null && limitBytes is null)
        {
            return kind is null ? null : new StoreRequest(kind);
        }
        if (kind == StoreRequest.Classic)
        {
            throw chunkBytes is not null
                ? new CowloopException(Errno.EINVAL, "a classic cowfile has no chunks", "--chunk is for --store compact")
                : new CowloopException(
                    Errno.EINVAL,
                    "a classic cowfile has no limit: it is as long as its device, and takes space for what was written",
                    "--store-size is for --store compact");
        }
        if (limitBytes == 0)
        {
            throw new CowloopException(Errno.EINVAL, "a store of 0 bytes has no room for changes", "leave --store-size out for a store without a limit");
        }
        return CompactLayout.IsChunkSize(chunkBytes ?? StoreChoice.UsualChunkBytes)
            ? new StoreRequest(StoreRequest.Compact, (int?)chunkBytes, limitBytes)
            : throw new CowloopException(Errno.EINVAL, $"a chunk cannot have {chunkBytes} bytes", "its size is 4K, 8K, 16K, 32K, 64K, 128K, 256K, 512K or 1M");
    }

    /// <summary>The same, for a store that is made here; null when nothing was asked for.</summary>
    /// <exception cref="CowloopException">There is no such store.</exception>
    public StoreChoice? Choose(ParseResult result) => Read(result) switch
    {
        null => null,
        { Kind: StoreRequest.Compact } request => new StoreChoice(request.ChunkBytes ?? StoreChoice.UsualChunkBytes, request.LimitBytes),
        _ => StoreChoice.Classic,
    };
}
