using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>
/// Access is given up in the middle of reads and writes: what was acknowledged is there, what was refused is not, and a reader gets the right
/// bytes or an error.
/// </summary>
public sealed class OverlayAccessThreadTests : IDisposable
{
    private const int WriterCount = 3;
    private const int ReaderCount = 2;
    private const int BlockCount = 512;

    private readonly byte[] _base = Fixtures.RandomBytes(new Random(1), BlockCount * 1024);
    private readonly MemoryFile _store = new();
    private readonly bool[] _isWritten = new bool[BlockCount];
    private int _refusedCount;
    private int _writersLeft = WriterCount;

    public void Dispose() => _store.Dispose();

    [Theory]
    [InlineData(CowfileAccess.ReadOnly, 30)]
    [InlineData(CowfileAccess.ReadOnly, 200)]
    [InlineData(CowfileAccess.Closed, 30)]
    [InlineData(CowfileAccess.Closed, 200)]
    public void Nothing_acknowledged_is_lost_and_nothing_refused_is_done(CowfileAccess access, int usedBlocksBefore)
    {
        Overlay overlay = Disk.Open(_base, new YieldingFile(_store));
        Together.Run(WriterCount + ReaderCount + 1, thread =>
        {
            if (thread < WriterCount)
            {
                WriteAll(overlay, thread);
            }
            else if (thread < WriterCount + ReaderCount)
            {
                ReadAll(overlay, access);
            }
            else
            {
                SpinWait.SpinUntil(() => overlay.UsedBlocks >= usedBlocksBefore);
                Assert.Equal(Errno.None, overlay.Restrict(access, () => { }));
                CowfileCheck.AssertClean(_store, overlay.Layout);
            }
        });

        Assert.Equal(BlockCount, _isWritten.Count(isWritten => isWritten) + _refusedCount);
        Assert.Equal(_isWritten.Count(isWritten => isWritten), overlay.UsedBlocks);
        Assert.Equal(Errno.None, overlay.Close());
        Overlay again = Disk.Open(_base, _store);
        for (int block = 0; block < BlockCount; block++)
        {
            Assert.Equal(_isWritten[block] ? Written(block) : _base[(block * 1024)..((block + 1) * 1024)], again.Get(block * 1024, 1024));
        }
        again.Close();
    }

    private static byte[] Written(int block) => Fixtures.Filled(1024, (byte)(block + 1));

    /// <summary>After the first refusal there is no success any more.</summary>
    private void WriteAll(Overlay overlay, int writer)
    {
        bool isRefused = false;
        for (int block = writer; block < BlockCount; block += WriterCount)
        {
            Errno errno = overlay.Write(block * 1024L, Written(block), fua: block % 64 == 0);
            Assert.True(errno == Errno.EIO || (errno == Errno.None && !isRefused), $"block {block}: {errno}");
            isRefused = errno == Errno.EIO;
            _isWritten[block] = !isRefused;
            Interlocked.Add(ref _refusedCount, isRefused ? 1 : 0);
        }
        Interlocked.Decrement(ref _writersLeft);
    }

    private void ReadAll(Overlay overlay, CowfileAccess access)
    {
        byte[] content = new byte[1024];
        while (Volatile.Read(ref _writersLeft) > 0)
        {
            for (int block = 0; block < BlockCount; block++)
            {
                Errno errno = overlay.Read(block * 1024L, content);
                if (errno == Errno.None)
                {
                    bool isBase = content.AsSpan().SequenceEqual(_base.AsSpan(block * 1024, 1024));
                    Assert.True(isBase || content.AsSpan().SequenceEqual(Written(block)), $"block {block} is neither");
                }
                else
                {
                    Assert.True(access == CowfileAccess.Closed, $"block {block}: {errno}");
                }
            }
        }
    }
}
