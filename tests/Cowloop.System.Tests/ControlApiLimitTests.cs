using System.Net.Sockets;
using System.Text;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What clients can cost the service: connections, and time.</summary>
public class ControlApiLimitTests(CowService service, ITestOutputHelper output) : ControlApiTest(service, output)
{
    // docs/api.md
    private const int MaxConnections = 256;
    private const int MaxListeners = 64;
    private const int Clients = 64;

    /// <summary>Also those that speak at the same time, each of them often.</summary>
    [RootFact]
    public async Task Sixty_four_clients_are_served_and_more_than_the_limit_are_told_so()
    {
        AttachByApi();
        int process = Service.ProcessId;
        ApiClient[] clients = [.. Enumerable.Range(0, Clients).Select(_ => new ApiClient(Service.Paths.ControlSocket))];
        await MustServeAllAsync();
        int before = ProcessUsage.Of(process).Descriptors;

        List<NetworkStream> idle = [.. Enumerable.Range(0, 4 * MaxConnections).Select(_ => ApiClient.Connect(Service.Paths.ControlSocket))];
        // One is that of this test.
        Poll.Until("those that are too many are told so", () => idle.Count(IsAnswered) == idle.Count - (MaxConnections - Clients - 1));
        Assert.InRange(ProcessUsage.Of(process).Descriptors, 0, before + MaxConnections);
        Assert.Contains(
            idle.Where(IsAnswered).Select(ApiClient.ReadToEnd),
            answer => answer.StartsWith("HTTP/1.1 503 ", StringComparison.Ordinal) && answer.Contains("open already", StringComparison.Ordinal));
        Assert.Contains("open already", Service.Cowloop("status").MustExitWith(2).MustBeForPeople(2).Error, StringComparison.Ordinal);
        await MustServeAllAsync();

        idle.ForEach(stream => stream.Dispose());
        Poll.Until("there is room again", () => ProcessUsage.Of(process).Descriptors <= before + 8);
        using var another = new ApiClient(Service.Paths.ControlSocket);
        Assert.Equal(200, (await another.CallAsync("GET", "v1/devices/0/space")).Status);
        Array.ForEach(clients, client => client.Dispose());

        async Task MustServeAllAsync() =>
            Assert.All(await Task.WhenAll(clients.Select(client => client.CallAsync("GET", "v1/devices/0/space"))), reply => Assert.Equal(200, reply.Status));
    }

    /// <summary>Who waits for something to happen takes no connection from those who want something done, and gives none too many back.</summary>
    [RootFact]
    public void However_many_wait_the_others_are_served()
    {
        AttachByApi();
        MustAdmit(MaxConnections);
        List<NetworkStream> listeners = [.. Enumerable.Range(0, MaxListeners).Select(_ => Ask("v1/events"))];
        NetworkStream watcher = Ask("v1/devices/0/space/wait?thresholdKiB=0");
        Poll.Until("all hear how things stand", () => listeners.TrueForAll(IsAnswered));
        Poll.Until("the space is watched", () => Call("GET", "v1/devices/0").Body.GetProperty("watched").GetBoolean());
        Assert.Contains("listen to events already", Call("GET", "v1/events").MustRefuse(409, "EAGAIN").Reason, StringComparison.Ordinal);
        MustAdmit(MaxConnections);

        listeners.ForEach(stream => stream.Dispose());
        watcher.Dispose();
        Poll.Until("the space is watched no more", () => !Call("GET", "v1/devices/0").Body.GetProperty("watched").GetBoolean());
        MustAdmit(MaxConnections);
        for (int round = 0; round < 2 * MaxListeners; round++)
        {
            using NetworkStream again = Ask("v1/events");
            Poll.Until("it hears how things stand", () => IsAnswered(again));
        }
    }

    /// <summary>The runtime dies when it gets no descriptor for a new thread, so devices and connections must never take the last one.</summary>
    [RootFact]
    public async Task With_few_open_files_there_are_fewer_devices_and_nothing_breaks()
    {
        const int Limit = 1024;
        string image = NumbersBase();
        using var service = new CowService();
        Shell.Try(new ShellOptions { Environment = service.Environment }, "sh", "-ec", $"ulimit -n {Limit}; exec '{Repository.Program("cowloop")}' load maxcows=1022")
            .MustSucceed();
        Assert.Contains($"maxcows=1022 needs more than {Limit} open files", service.Log, StringComparison.Ordinal);
        using var api = new ApiClient(service.Paths.ControlSocket);
        int process = service.ProcessId;
        int room = (await api.CallAsync("GET", "v1/service")).Body.GetProperty("maxDevices").GetInt32();

        ApiReply[] replies = await Task.WhenAll(Enumerable.Range(0, room + 1)
            .Select(index => api.CallAsync("POST", "v1/devices", Pair(image, Temp[$"{index}.cow"]))));
        Assert.Equal(room, replies.Count(reply => reply.IsDone));
        Assert.Single(replies, reply => !reply.IsDone).MustRefuse(409, "EBUSY");
        List<NetworkStream> idle = [.. Enumerable.Range(0, 2 * MaxConnections).Select(_ => ApiClient.Connect(service.Paths.ControlSocket))];
        int used = ProcessUsage.Of(process).Descriptors;
        Assert.True(used < Limit - 128, $"{used} descriptors with {room} devices");
        idle.ForEach(stream => stream.Dispose());
        Assert.All(
            await Task.WhenAll(Enumerable.Range(0, room).Select(number => api.CallAsync("DELETE", $"v1/devices/{number}"))),
            reply => Assert.Equal(204, reply.Status));
    }

    [RootFact]
    public void With_no_open_files_to_spare_the_service_does_not_start()
    {
        using var service = new CowService();
        CommandResult result = Shell.Try(
            new ShellOptions { Environment = service.Environment }, "sh", "-ec", $"ulimit -n 600; exec '{Repository.Program("cowloop")}' load");
        Assert.Contains("the limit of 600 open files is too low", result.MustExitWith(2).MustBeForPeople(2).Error, StringComparison.Ordinal);
    }

    /// <summary>All at once, for each takes some ten seconds.</summary>
    [RootFact]
    public void Who_is_too_slow_is_cut_off()
    {
        Start();
        const string Body = "POST /v1/devices HTTP/1.1\r\nHost: cowloop\r\nContent-Type: application/json\r\n";
        string[] answers = Poll.UntilDone("all are cut off", Task.WhenAll(
            new[]
            {
                "GET /v1/ser",
                "GET /v1/service HTTP/1.1\r\nHost: cowloop\r\n",
                $"{Body}Content-Length: 20000\r\n\r\n{{",
            }.Select(request => Task.Run(() => SendSlowly(request)))));

        // Who is sending at that moment may miss it.
        Assert.All(answers, answer => Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 408 ", StringComparison.Ordinal), answer));
        Assert.Equal(200, Call("GET", "v1/service").Status);
        Assert.DoesNotContain("unexpected", Service.Log, StringComparison.Ordinal);
    }

    /// <summary>A byte now and then keeps no connection alive.</summary>
    private string SendSlowly(string request)
    {
        using NetworkStream stream = ApiClient.Connect(Service.Paths.ControlSocket);
        stream.Write(Encoding.ASCII.GetBytes(request));
        Task<string> answer = Task.Run(() => ApiClient.ReadToEnd(stream));
        try
        {
            while (!answer.Wait(TimeSpan.FromMilliseconds(500)))
            {
                stream.Write(" "u8);
            }
        }
        catch (IOException)
        {
            // Cut off.
        }
        return answer.Result;
    }

    /// <summary>Exactly so many connections are served, the one of this test's client among them.</summary>
    private void MustAdmit(int connections)
    {
        Assert.Equal(200, Call("GET", "v1/service").Status);
        Poll.Until($"{connections} are admitted", () =>
        {
            // Those of the last time may not be gone yet.
            List<NetworkStream> streams = [.. Enumerable.Range(0, connections).Select(_ => Ask("v1/devices/0/space"))];
            int servedCount = streams.Count(stream => ReadStatus(stream) == "HTTP/1.1 200");
            streams.ForEach(stream => stream.Dispose());
            return servedCount == connections - 1;
        });
    }

    private NetworkStream Ask(string path)
    {
        NetworkStream stream = ApiClient.Connect(Service.Paths.ControlSocket);
        try
        {
            stream.Write(Encoding.ASCII.GetBytes($"GET /{path} HTTP/1.1\r\nHost: cowloop\r\n\r\n"));
        }
        catch (IOException)
        {
            // Refused already; there may be an answer.
        }
        return stream;
    }

    private static string ReadStatus(NetworkStream stream)
    {
        byte[] status = new byte["HTTP/1.1 200".Length];
        try
        {
            return Encoding.ASCII.GetString(status, 0, stream.ReadAtLeast(status, status.Length, throwOnEndOfStream: false));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static bool IsAnswered(NetworkStream stream) => stream.Socket.Poll(0, SelectMode.SelectRead);
}
