using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>A block device, full of what somebody else has left.</summary>
internal sealed class SizedDevice : IBlockFile
{
    public const byte Rubbish = 0xA5;

    private readonly MemoryFile _memory = new();

    public SizedDevice(long size)
    {
        Size = size;
        byte[] rubbish = new byte[1 << 20];
        Array.Fill(rubbish, Rubbish);
        for (long offset = 0; offset < 2 * size; offset += rubbish.Length)
        {
            Assert.Equal(Errno.None, _memory.WriteAt(offset, rubbish));
        }
    }

    public long Size { get; set; }

    public List<string> Order { get; } = [];

    public long LengthBytes => Size;

    public Errno ReadAt(long offsetBytes, Span<byte> target) => offsetBytes + target.Length > Size ? Errno.EIO : _memory.ReadAt(offsetBytes, target);

    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        string what = offsetBytes == 0 ? "header" : "tables";
        if (Order.LastOrDefault() != what)
        {
            Order.Add(what);
        }
        return offsetBytes + source.Length > Size ? Errno.ENOSPC : _memory.WriteAt(offsetBytes, source);
    }

    public Errno Punch(long offsetBytes, long lengthBytes) => Errno.EOPNOTSUPP;

    public Errno SetLength(long lengthBytes) => lengthBytes > Size ? Errno.ENOSPC : Errno.None;

    public Errno Allocate(long offsetBytes, long lengthBytes) => Errno.EOPNOTSUPP;

    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        startBytes = offsetBytes;
        endBytes = Math.Max(offsetBytes, Size);
        return Errno.None;
    }

    public Errno Sync()
    {
        Order.Add("sync");
        return Errno.None;
    }

    public void Dispose()
    {
    }
}
