using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Support;

/// <summary>A cowfile put together block by block, right or wrong, without the engine.</summary>
internal sealed class CowfileImage
{
    private readonly HashSet<long> _marked = [];

    public CowfileImage(long blockCount, CowFlags flags = CowFlags.None, uint fingerprint = 0)
    {
        Layout = new CowLayout(blockCount);
        Header = CowHeader.ForNewFile(Layout, fingerprint) with { Flags = flags };
        File.SetLength(Layout.EmptyLengthBytes);
        WriteHeader();
    }

    public MemoryFile File { get; } = new();

    public CowLayout Layout { get; }

    public CowHeader Header { get; private set; }

    /// <summary>Sets bits; the count in the header follows.</summary>
    public CowfileImage Mark(params ReadOnlySpan<long> blocks)
    {
        foreach (long block in blocks)
        {
            _marked.Add(block);
            byte[] bits = new byte[1];
            Assert.Equal(Errno.None, File.ReadAt(1024 + block / 8, bits));
            bits[0] |= (byte)(1 << (int)(block % 8));
            File.WriteAt(1024 + block / 8, bits);
        }
        return WithHeader(Header with { UsedBlocks = (ulong)_marked.Count });
    }

    /// <summary>Fills a block with data; zeros take space as well.</summary>
    public CowfileImage Put(long block, byte value) => Put(block, Fixtures.Filled(1024, value));

    public CowfileImage Put(long block, ReadOnlySpan<byte> data)
    {
        File.WriteAt(Layout.DataOffsetBytes + block * 1024, data);
        return this;
    }

    /// <summary>Data with its bit.</summary>
    public CowfileImage Hold(long block, byte value) => Put(block, value).Mark(block);

    public CowfileImage WithLength(long lengthBytes)
    {
        File.SetLength(lengthBytes);
        return this;
    }

    public CowfileImage WithHeader(CowHeader header)
    {
        Header = header;
        WriteHeader();
        return this;
    }

    private void WriteHeader()
    {
        byte[] structure = new byte[Header.Variant.StructSize];
        Header.Encode(structure);
        File.WriteAt(0, structure);
    }
}
