using System.Collections.Concurrent;
using System.Globalization;

namespace Cowloop.SystemTests.Support;

/// <summary>
/// Very many requests by many clients at once, each on a connection of its own. Most of them do anything to any device. A few, the keepers,
/// have a number and a cowfile each that no other client takes away from them: they write to their device, and it must keep what they wrote.
/// </summary>
internal sealed class ApiStorm
{
    public const int Clients = 64;
    public const int Keepers = 8;
    private const string NestedKind = "nested";
    private const int SharedCowfiles = 24;
    private const int ImageBytes = 64 * 1024;

    private static readonly string[] ExpectedRefusals = ["EINVAL", "ENODEV", "EBUSY", "EAGAIN"];

    private readonly string _socketPath;
    private readonly string _nodeDirectory;
    private readonly string _directory;
    private readonly int _numbers;
    private readonly string[] _images;
    private readonly byte[][] _kept = [.. Enumerable.Range(0, Keepers).Select(_ => Array.Empty<byte>())];
    private readonly ConcurrentDictionary<string, int> _answers = new();
    private int _left;
    private int _freshCowfiles;

    /// <param name="service">Takes the requests.</param>
    /// <param name="images">The bases of <see cref="MakeImage"/>.</param>
    /// <param name="directory">Where the cowfiles go.</param>
    /// <param name="numbers">Device numbers of the service.</param>
    public ApiStorm(CowService service, string[] images, string directory, int numbers)
    {
        _socketPath = service.Paths.ControlSocket;
        _nodeDirectory = service.DeviceDirectory;
        _images = images;
        _directory = directory;
        _numbers = numbers;
        for (int keeper = 0; keeper < Keepers; keeper++)
        {
            _kept[keeper] = File.ReadAllBytes(ImageOf(KeptCowfile(keeper))!);
        }
    }

    /// <summary>How often each kind of request got each kind of answer.</summary>
    public IReadOnlyDictionary<string, int> Answers => _answers;

    /// <summary>Makes a small base.</summary>
    public static string MakeImage(string path, int seed) => Data.RandomFile(path, seed, ImageBytes);

    /// <summary>Sends that many requests. Fails when one is answered otherwise than by success or a proper refusal.</summary>
    public async Task BlowAsync(int requests, int seed)
    {
        _left = requests;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => RunAsync(client, seed))));
    }

    /// <summary>The base of a cowfile; null for one whose base is a cowfile itself, and changes.</summary>
    public string? ImageOf(string cowfile) => Path.GetFileName(cowfile).StartsWith(NestedKind, StringComparison.Ordinal)
        ? null
        : _images[int.Parse(Path.GetFileNameWithoutExtension(cowfile).Split('-')[^1], CultureInfo.InvariantCulture) % _images.Length];

    /// <summary>The cowfile of a keeper.</summary>
    public string KeptCowfile(int keeper) => Cowfile("kept", keeper);

    /// <summary>What a keeper's device must hold.</summary>
    public byte[] Kept(int keeper) => _kept[keeper];

    private async Task RunAsync(int client, int seed)
    {
        using var api = new ApiClient(_socketPath);
#pragma warning disable CA5394 // Test data, no secret.
        var random = new Random(seed * Clients + client);
        while (Volatile.Read(ref _left) > 0)
        {
            if (client < Keepers)
            {
                await KeepAsync(api, client, random);
            }
            else
            {
                await DoAnythingAsync(api, random);
            }
        }
    }

    private Task<ApiReply> DoAnythingAsync(ApiClient api, Random random)
    {
        int number = random.Next(_numbers - Keepers);
        return random.Next(100) switch
        {
            < 18 => AttachAsync(api, "attach fresh", Cowfile("fresh", Interlocked.Increment(ref _freshCowfiles)), null),
            < 24 => AttachAsync(api, "attach fresh as N", Cowfile("fresh", Interlocked.Increment(ref _freshCowfiles)), number),
            < 34 => AttachAsync(api, "attach shared", Cowfile("shared", random.Next(SharedCowfiles)), random.Next(2) == 0 ? null : number),
            < 36 => AttachAsync(api, "attach nested", Cowfile(NestedKind, random.Next(SharedCowfiles)), null, Cowfile("shared", random.Next(SharedCowfiles))),
            < 70 => SendAsync(api, "detach", "DELETE", $"v1/devices/{number}"),
            < 75 => SendAsync(api, "sync", "POST", "v1/service/sync"),
            < 83 => SendAsync(api, "status", "GET", $"v1/devices/{number}"),
            < 85 => SendAsync(api, "list", "GET", "v1/devices"),
            < 88 => SendAsync(api, "close", "POST", $"v1/devices/{number}/cowfile", """{"access": "closed"}"""),
            < 92 => SendAsync(api, "read-only", "POST", $"v1/devices/{number}/cowfile", """{"access": "readOnly"}"""),
            < 95 => SendAsync(api, "space", "GET", $"v1/devices/{number}/space"),
            < 98 => SendAsync(api, "set", "PATCH", $"v1/devices/{number}", """{"onFull": "wait:1", "warnAt": "80%,1T"}"""),
            _ => SendAsync(api, "nonsense", "POST", $"v1/devices/{number}/cowfile", """{"access": "nonsense"}"""),
        };
    }
#pragma warning restore CA5394

    /// <summary>One life of a keeper's device.</summary>
    private async Task KeepAsync(ApiClient api, int keeper, Random random)
    {
        // The highest ones, which go last to those who take any.
        int number = _numbers - 1 - keeper;
        if (!(await AttachAsync(api, "keep", KeptCowfile(keeper), number)).IsDone)
        {
            await SendAsync(api, "make room", "DELETE", $"v1/devices/{number}");
            return;
        }
#pragma warning disable CA5394
        int offset = random.Next(ImageBytes / 512) * 512;
        int seed = random.Next();
#pragma warning restore CA5394
        using (var disk = new FileStream($"{_nodeDirectory}/{number}", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0))
        {
            byte[] found = new byte[ImageBytes];
            disk.ReadExactly(found);
            Assert.True(found.AsSpan().SequenceEqual(_kept[keeper]), $"device {number} has not kept what was written");
            byte[] bytes = Data.Random(seed, Math.Min(1536, ImageBytes - offset));
            disk.Position = offset;
            disk.Write(bytes);
            disk.Flush(flushToDisk: true);
            bytes.CopyTo(_kept[keeper], offset);
        }
        await SendAsync(api, "status kept", "GET", $"v1/devices/{number}");
        Assert.True((await SendAsync(api, "release", "DELETE", $"v1/devices/{number}")).IsDone, $"device {number} does not go, and nobody uses it");
    }

    private string Cowfile(string kind, int index) => Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{kind}-{index}.cow"));

    private Task<ApiReply> AttachAsync(ApiClient api, string what, string cowfile, int? number, string? image = null) => SendAsync(
        api,
        what,
        "POST",
        "v1/devices",
        ControlApiTest.Pair(image ?? ImageOf(cowfile)!, cowfile, number));

    private async Task<ApiReply> SendAsync(ApiClient api, string what, string method, string path, string? body = null)
    {
        Interlocked.Decrement(ref _left);
        ApiReply reply = await api.CallAsync(method, path, body);
        if (!reply.IsDone)
        {
            Assert.True(reply.Status is 400 or 404 or 409, $"{what}: {reply}");
            Assert.Contains(reply.Code, ExpectedRefusals);
            reply.MustRefuse(reply.Status, reply.Code);
        }
        _answers.AddOrUpdate($"{what}: {reply.Status}{(reply.IsDone ? "" : $" {reply.Code}")}", 1, (_, count) => count + 1);
        return reply;
    }
}
