namespace Cowloop.Core.Tests.Support;

/// <summary>What a device must look like: a plain array, obviously right.</summary>
internal sealed class ReferenceDisk(ReadOnlySpan<byte> content)
{
    private readonly byte[] _content = content.ToArray();

    public int Length => _content.Length;

    public ReadOnlySpan<byte> Content => _content;

    public void Write(long offsetBytes, ReadOnlySpan<byte> source) => source.CopyTo(_content.AsSpan((int)offsetBytes));

    public void Zero(long offsetBytes, long lengthBytes) => _content.AsSpan((int)offsetBytes, (int)lengthBytes).Clear();
}
