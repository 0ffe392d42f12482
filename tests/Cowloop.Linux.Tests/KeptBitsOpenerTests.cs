using Cowloop.Core;
using Cowloop.Core.Live;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class KeptBitsOpenerTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly PosixFile _cowfile;
    private readonly LiveKey _key;

    public KeptBitsOpenerTests()
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_temp["my.cow"], out PosixFile? cowfile));
        _cowfile = cowfile!;
        _key = LiveDirectory.KeyOf(_cowfile);
    }

    public void Dispose()
    {
        LiveDirectory.RemoveAll(_key);
        _cowfile.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public void Where_nothing_was_kept_there_is_nothing()
    {
        Assert.Null(KeptBitsOpener.Find(_cowfile, "my.cow", new byte[1024], out PosixFile? file));
        Assert.Null(file);
    }

    [RootFact("/dev/shm")]
    public void What_was_kept_for_this_state_of_the_file_is_found_and_nothing_else()
    {
        byte[] headerBlock = Fixtures.Filled(1024, 7);
        var bits = new LiveBits(LiveDirectory.TryMake(out _)!.TryCreate(_key), _key);
        bits.Begin(headerBlock);
        bits.Dispose();

        Assert.NotNull(KeptBitsOpener.Find(_cowfile, "my.cow", headerBlock, out PosixFile? file));
        file!.Dispose();
        Assert.Null(KeptBitsOpener.Find(_cowfile, "my.cow", new byte[1024], out file));
        file!.Dispose();
    }

    [RootFact("/dev/shm")]
    public void What_cannot_be_opened_is_not_passed_over()
    {
        LiveDirectory directory = LiveDirectory.TryMake(out _)!;
        directory.TryCreate(_key)!.Dispose();
        string path = Directory.GetFiles(directory.Path, $"*-{_key.Inode:x16}").Single();
        File.Delete(path);
        File.CreateSymbolicLink(path, _temp["my.cow"]);

        var exception = Assert.Throws<CowloopException>(() => KeptBitsOpener.Find(_cowfile, "my.cow", new byte[1024], out _));

        Assert.Contains("the service that used cowfile my.cow was killed", exception.Message, StringComparison.Ordinal);
        Assert.Equal(Errno.EINVAL, exception.Errno);
    }
}
