using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cowloop.Core;
using Cowloop.Core.Devices;

namespace Cowloop.Control;

/// <summary>The tools' side of the control API.</summary>
public sealed class ControlClient : IDisposable
{
    private readonly CowloopPaths _paths;
    private readonly HttpClient _http;

    /// <summary>Makes a client; nothing is connected yet.</summary>
    public ControlClient(CowloopPaths paths)
    {
        _paths = paths;
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, _) => new ValueTask<Stream>(OpenStream()), UseProxy = false })
        {
            BaseAddress = new Uri("http://cowloop/"),
            // Attaching may read a whole base of zeros, unloading may wait for users: no limit of ours.
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>True when there is a service, whether or not this user may talk to it.</summary>
    public bool IsServiceRunning
    {
        get
        {
            try
            {
                Connect();
                return true;
            }
            catch (CowloopException exception)
            {
                return exception.Errno == Errno.EACCES;
            }
        }
    }

    /// <summary>Sees whether the service can be reached.</summary>
    /// <exception cref="CowloopException">It can't: no permission, or it is not loaded.</exception>
    public void Connect() => OpenStream().Dispose();

    /// <summary>Makes a device.</summary>
    /// <exception cref="CowloopException">Refused, or the service can't be reached.</exception>
    public AttachReply Attach(AttachRequest request) =>
        Send(HttpMethod.Post, "v1/devices", request, ControlJson.Default.AttachRequest, ControlJson.Default.AttachReply);

    /// <summary>Seals the cowfile of a device and gives it a new one.</summary>
    /// <exception cref="CowloopException">Refused, or the service can't be reached.</exception>
    public SnapshotReply Snapshot(int number, SnapshotRequest request) =>
        Send(HttpMethod.Post, $"v1/devices/{number}/snapshot", request, ControlJson.Default.SnapshotRequest, ControlJson.Default.SnapshotReply);

    /// <summary>Throws the changes of a device away.</summary>
    /// <exception cref="CowloopException">Refused, or the service can't be reached.</exception>
    public void Rollback(int number) => Send(HttpMethod.Post, $"v1/devices/{number}/rollback");

    /// <summary>Merges the topmost layer of a device into the one below it.</summary>
    /// <exception cref="CowloopException">Refused, or the service can't be reached.</exception>
    public LayerMergeReply MergeLayers(int number) =>
        Send<object, LayerMergeReply>(HttpMethod.Post, $"v1/devices/{number}/layers/merge", null, null, ControlJson.Default.LayerMergeReply);

    /// <summary>Makes a second device with the same content.</summary>
    /// <exception cref="CowloopException">Refused, or the service can't be reached.</exception>
    public ForkReply Fork(int number, ForkRequest request) =>
        Send(HttpMethod.Post, $"v1/devices/{number}/fork", request, ControlJson.Default.ForkRequest, ControlJson.Default.ForkReply);

    /// <summary>Takes a device away.</summary>
    /// <exception cref="CowloopException">Refused, or the service can't be reached.</exception>
    public void Detach(int number) => Send(HttpMethod.Delete, $"v1/devices/{number}");

    /// <summary>Asks the state of a device.</summary>
    /// <exception cref="CowloopException">There is no such device, or the service can't be reached.</exception>
    public DeviceStatus GetDevice(int number) =>
        Send<object, DeviceStatus>(HttpMethod.Get, $"v1/devices/{number}", null, null, ControlJson.Default.DeviceStatus);

    /// <summary>Changes how a device behaves when space runs short.</summary>
    /// <exception cref="CowloopException">There is no such device, a setting makes no sense, or the service can't be reached.</exception>
    public DeviceStatus Configure(int number, SettingsRequest settings) =>
        Send(HttpMethod.Patch, $"v1/devices/{number}", settings, ControlJson.Default.SettingsRequest, ControlJson.Default.DeviceStatus);

    /// <summary>Makes more room for the changes of a device.</summary>
    /// <exception cref="CowloopException">There is no such device, it can't be done, or the service can't be reached.</exception>
    public GrowReply Grow(int number, GrowRequest request) =>
        Send(HttpMethod.Post, $"v1/devices/{number}/grow", request, ControlJson.Default.GrowRequest, ControlJson.Default.GrowReply);

    /// <summary>What happens to devices from now on, beginning with how all of them stand; ends with the service.</summary>
    /// <exception cref="CowloopException">Too many listen already, or the service can't be reached.</exception>
    public IEnumerable<ServiceEvent> Listen()
    {
        using HttpResponseMessage response = Exchange(HttpMethod.Get, "v1/events", null, HttpCompletionOption.ResponseHeadersRead);
        ThrowOnError(response);
        using Stream stream = response.Content.ReadAsStream();
        SseParser<ServiceEvent?> events = SseParser.Create(stream, (_, data) => JsonSerializer.Deserialize(data, ControlJson.Default.ServiceEvent));
        using IEnumerator<SseItem<ServiceEvent?>> next = events.Enumerate().GetEnumerator();
        while (MoveNext(next))
        {
            if (next.Current.Data is ServiceEvent happened)
            {
                yield return happened;
            }
        }
    }

    /// <summary>Leaves less access to the cowfile of a device, which is made clean and durable before.</summary>
    /// <exception cref="CowloopException">No such device, no less than before, the cowfile can't be made clean, or the service can't be reached.</exception>
    public void RestrictCowfile(int number, CowfileAccess access)
    {
        using HttpResponseMessage response = Exchange(
            HttpMethod.Post,
            $"v1/devices/{number}/cowfile",
            JsonContent.Create(new CowfileRequest(access), ControlJson.Default.CowfileRequest));
        ThrowOnError(response);
    }

    /// <summary>Asks for the space on the filesystem that holds the cowfile of a device.</summary>
    /// <exception cref="CowloopException">There is no such device, or the service can't be reached.</exception>
    public CowfileSpace GetSpace(int number) => AskSpace($"v1/devices/{number}/space");

    /// <summary>Waits until no more than <paramref name="thresholdKiB"/> is available there, or until the device is deactivated.</summary>
    /// <exception cref="CowloopException">There is no such device, somebody else waits, or the service can't be reached.</exception>
    public CowfileSpace WaitForSpace(int number, ulong thresholdKiB) => AskSpace($"v1/devices/{number}/space/wait?thresholdKiB={thresholdKiB}");

    /// <summary>Asks the state of the service.</summary>
    /// <exception cref="CowloopException">The service can't be reached.</exception>
    public ServiceStatus GetService() =>
        Send<object, ServiceStatus>(HttpMethod.Get, "v1/service", null, null, ControlJson.Default.ServiceStatus);

    /// <summary>Makes all cowfiles durable and clean.</summary>
    /// <exception cref="CowloopException">One of them can't be, or the service can't be reached.</exception>
    public void Sync() => Send(HttpMethod.Post, "v1/service/sync");

    /// <summary>Closes all devices and makes the service end, which it does shortly after the call.</summary>
    /// <exception cref="CowloopException">A device is in use, or the service can't be reached.</exception>
    public void Unload(bool wait)
    {
        using HttpResponseMessage response = Exchange(
            HttpMethod.Post,
            "v1/service/unload",
            JsonContent.Create(new UnloadRequest(wait), ControlJson.Default.UnloadRequest));
        ThrowOnError(response);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private CowfileSpace AskSpace(string path) =>
        Send<object, CowfileSpace>(HttpMethod.Get, path, null, null, ControlJson.Default.CowfileSpace);

    private void Send(HttpMethod method, string path)
    {
        using HttpResponseMessage response = Exchange(method, path, null);
        ThrowOnError(response);
    }

    private TReply Send<TRequest, TReply>(
        HttpMethod method,
        string path,
        TRequest? request,
        JsonTypeInfo<TRequest>? requestType,
        JsonTypeInfo<TReply> replyType)
    {
        using HttpResponseMessage response = Exchange(
            method,
            path,
            requestType is null ? null : JsonContent.Create(request!, requestType));
        ThrowOnError(response);
        return Read(response, replyType);
    }

    private HttpResponseMessage Exchange(
        HttpMethod method,
        string path,
        HttpContent? content,
        HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead)
    {
        using var message = new HttpRequestMessage(method, path) { Content = content };
        try
        {
            return _http.SendAsync(message, completion).GetAwaiter().GetResult();
        }
        catch (HttpRequestException exception)
        {
            throw exception.InnerException as CowloopException ?? WentAway(exception);
        }
    }

    private bool MoveNext(IEnumerator<SseItem<ServiceEvent?>> events)
    {
        try
        {
            return events.MoveNext();
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            throw WentAway(exception);
        }
    }

    private CowloopException WentAway(Exception exception) =>
        new(Errno.EIO, $"the service went away: {exception.Message}", $"see {_paths.Log}");

    private void ThrowOnError(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }
        if (response.Content.Headers.ContentType?.MediaType == "application/json")
        {
            throw ControlJson.ToException(Read(response, ControlJson.Default.ErrorReply));
        }
        throw new CowloopException(Errno.EIO, $"the service answered {(int)response.StatusCode}", $"see {_paths.Log}");
    }

    private static T Read<T>(HttpResponseMessage response, JsonTypeInfo<T> type)
    {
        using Stream stream = response.Content.ReadAsStream();
        return JsonSerializer.Deserialize(stream, type)
            ?? throw new CowloopException(Errno.EIO, "the service answered nothing");
    }

    private AnsweredStream OpenStream()
    {
        UnixDomainSocketEndPoint endPoint = _paths.ControlEndPoint();
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(endPoint);
            return new AnsweredStream(socket);
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw exception.SocketErrorCode switch
            {
                SocketError.AccessDenied => new CowloopException(Errno.EACCES, $"no permission for {_paths.ControlSocket}", "run it as root"),
                SocketError.ConnectionRefused => NotLoaded(Errno.ENXIO),
                _ => NotLoaded(Errno.ENOENT),
            };
        }
    }

    private CowloopException NotLoaded(Errno errno) =>
        new(errno, "cowloop is not loaded", "cowloop load starts the service") { Path = _paths.ControlSocket };
}
