using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Cowloop.Core;
using Cowloop.Tests.Support;

namespace Cowloop.Control.Tests;

/// <summary>A service that can't be reached: every call says so, and why.</summary>
public sealed class ControlClientConnectTests : IDisposable
{
    private const uint Nobody = 65534;

    private readonly TempDirectory _directory = new();
    private readonly CowloopPaths _paths;
    private readonly ControlClient _client;

    public ControlClientConnectTests()
    {
        _paths = new CowloopPaths(_directory.Path, "/dev/cow");
        _client = new ControlClient(_paths);
    }

    public void Dispose()
    {
        _client.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Without_a_socket_it_is_not_loaded() => AssertNotLoaded(Errno.ENOENT);

    [Fact]
    public void Without_its_directory_it_is_not_loaded()
    {
        using var client = new ControlClient(new CowloopPaths(_directory["none"], "/dev/cow"));

        Assert.Equal(Errno.ENOENT, Assert.Throws<CowloopException>(client.Connect).Errno);
    }

    [Fact]
    public void A_socket_that_a_dead_service_left_is_not_loaded()
    {
        // The runtime takes the name that it knows away with the socket; a killed service leaves its name behind.
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(_directory["other"]));
            dead.Listen();
            File.Move(_directory["other"], _paths.ControlSocket);
        }
        Assert.True(File.Exists(_paths.ControlSocket));

        AssertNotLoaded(Errno.ENXIO);
    }

    [Fact]
    public void A_file_in_the_sockets_place_is_not_loaded()
    {
        File.WriteAllText(_paths.ControlSocket, "no socket");

        AssertNotLoaded(Errno.ENXIO);
    }

    [RootFact]
    public void A_socket_of_root_is_forbidden_to_others()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_paths.ControlSocket));
        listener.Listen();
        File.SetUnixFileMode(_paths.ControlSocket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        // What the connecting needs is loaded before the thread loses its rights.
        _client.Connect();

        CowloopException exception = Assert.Throws<CowloopException>(() => AsNobody(_client.Connect));

        Assert.Equal(Errno.EACCES, exception.Errno);
        Assert.Contains(_paths.ControlSocket, exception.Message, StringComparison.Ordinal);
        Assert.NotNull(exception.Hint);
        Assert.True(_client.IsServiceRunning);
    }

    /// <summary>A directory with so long a name has no room for a socket in it: it must be told, not thrown as a bug.</summary>
    [Fact]
    public void A_path_too_long_for_a_socket_is_an_error_of_ours()
    {
        using var client = new ControlClient(new CowloopPaths($"{_directory.Path}/{new string('x', 150)}", "/dev/cow"));

        CowloopException exception = Assert.Throws<CowloopException>(client.Connect);

        Assert.Equal(Errno.ENAMETOOLONG, exception.Errno);
        Assert.False(client.IsServiceRunning);
    }

    private void AssertNotLoaded(Errno errno)
    {
        Action[] calls =
        [
            _client.Connect,
            () => _client.Attach(new AttachRequest("disk.img", "my.cow", "/")),
            () => _client.Detach(0),
            () => _client.GetDevice(0),
            () => _client.GetService(),
            _client.Sync,
            () => _client.Unload(wait: false),
        ];

        Assert.False(_client.IsServiceRunning);
        Assert.All(calls, call =>
        {
            CowloopException exception = Assert.Throws<CowloopException>(call);
            Assert.Equal(errno, exception.Errno);
            Assert.Equal("cowloop is not loaded", exception.Message);
            Assert.Equal(_paths.ControlSocket, exception.Path);
            Assert.Contains("cowloop load", exception.Hint, StringComparison.Ordinal);
        });
    }

    /// <summary>Runs an action with the file rights of an ordinary user. They are the thread's own, and end with it.</summary>
    private static void AsNobody(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            _ = setfsuid(Nobody);
            try
            {
                action();
            }
            catch (CowloopException exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    [DllImport("libc")]
    private static extern int setfsuid(uint user);
}
