using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Live;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class KeptBitsOpenerTests : IDisposable
{
    private const string Memory = "/dev/shm";
    private const string Variable = "COWLOOP_LIVE_DIR";

    private readonly TempDirectory _memory = TempDirectory.InMemory();
    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);
    private readonly byte[] _headerBlock = new byte[CowLayout.BlockSize];
    private readonly PosixFile _cowfile;
    private PosixFile? _keptFile;

    public KeptBitsOpenerTests()
    {
        Environment.SetEnvironmentVariable(Variable, _memory["live"]);
        _headerBlock[6] = 1;
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(_memory.MakeFile("my.cow", 4096), out PosixFile? file));
        _cowfile = file!;
    }

    public void Dispose()
    {
        _keptFile?.Dispose();
        _cowfile.Dispose();
        Environment.SetEnvironmentVariable(Variable, _before);
        _memory.Dispose();
    }

    [NeedsFact(Memory)]
    public void What_a_killed_service_has_kept_is_found()
    {
        Keep(block: 70);

        KeptBits? kept = Find(_headerBlock);

        ulong[] words = new ulong[2];
        Assert.NotNull(kept);
        kept.AddTo(0, words);
        Assert.Equal([0, 1UL << 6], words);
    }

    [NeedsFact(Memory)]
    public void Another_state_of_the_cowfile_has_nothing()
    {
        Keep(block: 70);
        _headerBlock[511] ^= 1;

        Assert.Null(Find(_headerBlock));
    }

    [NeedsFact(Memory)]
    public void A_copy_of_the_cowfile_has_nothing()
    {
        Keep(block: 70);
        File.Copy(_memory["my.cow"], _memory["copy.cow"]);
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(_memory["copy.cow"], out PosixFile? copy));
        using (copy)
        {
            Assert.Null(KeptBitsOpener.Find(copy!, "copy.cow", _headerBlock, out PosixFile? file));
            Assert.Null(file);
        }
    }

    [NeedsFact(Memory)]
    public void What_was_abandoned_is_nothing()
    {
        LiveDirectory directory = LiveDirectory.TryMake(out _)!;
        LiveKey key = LiveDirectory.KeyOf(_cowfile);
        using var live = new LiveBits(directory.TryCreate(key), key);
        live.Begin(_headerBlock);
        live.Abandon();

        Assert.Null(Find(_headerBlock));
    }

    [NeedsFact(Memory)]
    public void Where_nothing_was_kept_there_is_nothing() => Assert.Null(Find(_headerBlock));

    [NeedsFact(Memory)]
    public void What_cannot_be_opened_is_an_error_for_it_may_be_all_there_is()
    {
        Keep(block: 70);
        string path = Directory.GetFiles(_memory["live"]).Single();
        File.Move(path, _memory["elsewhere"]);
        File.CreateSymbolicLink(path, _memory["elsewhere"]);

        CowloopException exception = Assert.Throws<CowloopException>(() => Find(_headerBlock));

        Assert.Equal(Errno.ELOOP, exception.Errno);
        Assert.Contains("my.cow was killed", exception.Message, StringComparison.Ordinal);
        Assert.Contains("root", exception.Hint, StringComparison.Ordinal);
    }

    /// <summary>Does what a service does before it is killed.</summary>
    private void Keep(long block)
    {
        LiveDirectory directory = LiveDirectory.TryMake(out _)!;
        LiveKey key = LiveDirectory.KeyOf(_cowfile);
        using var bitmap = new Bitmap(new CowLayout(128), words => new NativeWords(words));
        using var live = new LiveBits(directory.TryCreate(key), key);
        live.Begin(_headerBlock);
        bitmap.Set(block, 1);
        live.Keep(bitmap, block, 1);
        Assert.True(live.IsKept);
    }

    private KeptBits? Find(byte[] headerBlock) => KeptBitsOpener.Find(_cowfile, "my.cow", headerBlock, out _keptFile);
}
