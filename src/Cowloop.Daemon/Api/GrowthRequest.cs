using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Daemon.Api;

/// <summary>What a request for more room means.</summary>
internal static class GrowthRequest
{
    /// <summary>Reads it.</summary>
    /// <exception cref="CowloopException">It contradicts itself.</exception>
    public static StoreGrowth Read(GrowRequest request) => request switch
    {
        { LimitBytes: <= 0 } or { AddedBytes: <= 0 } => throw Contradiction("a limit, and what is added to one, is more than 0 bytes"),
        { LimitBytes: null, AddedBytes: null, Unlimited: false } => StoreGrowth.Unsaid,
        { LimitBytes: long bytes, AddedBytes: null, Unlimited: false } => StoreGrowth.To(bytes),
        { LimitBytes: null, AddedBytes: long bytes, Unlimited: false } => StoreGrowth.By(bytes),
        { LimitBytes: null, AddedBytes: null, Unlimited: true } => StoreGrowth.Unlimited,
        _ => throw Contradiction("limitBytes, addedBytes and unlimited exclude each other"),
    };

    private static CowloopException Contradiction(string reason) => new(Errno.EINVAL, reason, "cowloop grow --help shows what there is");
}
