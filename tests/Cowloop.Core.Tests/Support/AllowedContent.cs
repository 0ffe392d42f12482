namespace Cowloop.Core.Tests.Support;

/// <summary>
/// What may be read after failures: an acknowledged byte exactly as written, a byte of a failed write as it was or as it
/// was to become.
/// </summary>
internal sealed class AllowedContent(ReadOnlySpan<byte> content)
{
    private readonly byte[] _acknowledged = content.ToArray();
    private readonly HashSet<byte>?[] _inFlight = new HashSet<byte>?[content.Length];

    public int Length => _acknowledged.Length;

    public void Write(int offsetBytes, ReadOnlySpan<byte> source, bool isAcknowledged)
    {
        for (int index = 0; index < source.Length; index++)
        {
            if (isAcknowledged)
            {
                _acknowledged[offsetBytes + index] = source[index];
                _inFlight[offsetBytes + index] = null;
            }
            else
            {
                (_inFlight[offsetBytes + index] ??= []).Add(source[index]);
            }
        }
    }

    public void AssertAllows(ReadOnlySpan<byte> actual)
    {
        for (int index = 0; index < actual.Length; index++)
        {
            bool isAllowed = actual[index] == _acknowledged[index] || (_inFlight[index]?.Contains(actual[index]) ?? false);
            Assert.True(isAllowed, $"byte {index} is {actual[index]}, acknowledged was {_acknowledged[index]}");
        }
    }
}
