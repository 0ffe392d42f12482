namespace Cowloop.Core.Tests.Support;

/// <summary>
/// What may be read after failures. From the device: an acknowledged byte exactly as written, a byte of a failed write as it was or as it was to
/// become. From the cowfile after a crash: as it was at the last flush, or as any write since, acknowledged or not, was to make it.
/// </summary>
internal sealed class AllowedContent(ReadOnlySpan<byte> content)
{
    private readonly byte[] _acknowledged = content.ToArray();
    private readonly byte[] _flushed = content.ToArray();
    private readonly List<Change> _changes = [];
    private int _flushedCount;

    public int Length => _acknowledged.Length;

    public void Write(int offsetBytes, ReadOnlySpan<byte> source, bool isAcknowledged)
    {
        _changes.Add(new Change(offsetBytes, source.ToArray(), isAcknowledged));
        if (isAcknowledged)
        {
            source.CopyTo(_acknowledged.AsSpan(offsetBytes));
        }
    }

    /// <summary>Everything acknowledged is durable. What is in doubt stays so.</summary>
    public void Flush()
    {
        _acknowledged.CopyTo(_flushed, 0);
        _flushedCount = _changes.Count;
    }

    public void AssertAllows(ReadOnlySpan<byte> actual)
    {
        for (int index = 0; index < actual.Length; index++)
        {
            if (actual[index] != _acknowledged[index])
            {
                Assert.True(IsWritten(index, actual[index], _changes.Count), $"byte {index} is {actual[index]}, acknowledged was {_acknowledged[index]}");
            }
        }
    }

    /// <summary>The same after the device was lost.</summary>
    /// <param name="actual">What is read.</param>
    /// <param name="onlyFlushed">Look only at what was written and flushed.</param>
    public void AssertAllowsAfterCrash(ReadOnlySpan<byte> actual, bool onlyFlushed)
    {
        for (int index = 0; index < actual.Length; index++)
        {
            if (actual[index] != _flushed[index] && !(onlyFlushed && !IsFlushed(index)))
            {
                Assert.True(IsWritten(index, actual[index], _flushedCount), $"byte {index} is {actual[index]}, flushed was {_flushed[index]}");
            }
        }
    }

    /// <summary>Looks back: one of the writes was to make it so, and none acknowledged among the first <paramref name="settledCount"/> came after.</summary>
    private bool IsWritten(int index, byte value, int settledCount)
    {
        for (int number = _changes.Count - 1; number >= 0; number--)
        {
            Change change = _changes[number];
            if (change.Covers(index))
            {
                if (change.Data[index - change.OffsetBytes] == value)
                {
                    return true;
                }
                if (change.IsAcknowledged && number < settledCount)
                {
                    return false;
                }
            }
        }
        return false;
    }

    private bool IsFlushed(int index) => _changes.Take(_flushedCount).Any(change => change.IsAcknowledged && change.Covers(index));

    private sealed record Change(int OffsetBytes, byte[] Data, bool IsAcknowledged)
    {
        public bool Covers(int index) => index >= OffsetBytes && index < OffsetBytes + Data.Length;
    }
}
