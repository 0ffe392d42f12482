using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>
/// Fails the test when a reader does not come to an end, reads where the file is not, or reaches further than it has any reason to: so nothing
/// that a hostile header says decides alone about time and space.
/// </summary>
/// <param name="inner">The file.</param>
/// <param name="maxLengthBytes">How long it may become, if it is not longer already.</param>
internal sealed class BoundedFile(IBlockFile inner, long maxLengthBytes) : FileDecorator(inner)
{
    private const int MaxCalls = 50_000;

    // A repair may complete the last block.
    private readonly long _maxLengthBytes = Math.Max(maxLengthBytes, inner.LengthBytes + Math.Min(1023, long.MaxValue - inner.LengthBytes));
    private int _callCount;

    public bool HasChanges { get; private set; }

    protected override Errno Before(FileCall call)
    {
        Assert.True(++_callCount <= MaxCalls, $"no end after {MaxCalls} calls");
        Assert.True(call.OffsetBytes >= 0 && call.LengthBytes >= 0 && call.OffsetBytes <= long.MaxValue - call.LengthBytes, $"{call}");
        long limitBytes = call.Op == FileOp.Read ? LengthBytes : _maxLengthBytes;
        Assert.True(call.OffsetBytes + call.LengthBytes <= limitBytes, $"{call} of {limitBytes} bytes");
        HasChanges |= call.Changes;
        return Errno.None;
    }
}
