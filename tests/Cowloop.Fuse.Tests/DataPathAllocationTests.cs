using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Live;
using Cowloop.Fuse.Tests.Support;
using Cowloop.Linux;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;
using static Cowloop.Fuse.FuseAbi;

namespace Cowloop.Fuse.Tests;

/// <summary>From the request to the files and back nothing is allocated: 0 bytes, not few. Real files, with counters, bitmap and live bits as the service has them.</summary>
public sealed class DataPathAllocationTests : IDisposable
{
    private const int Rounds = 10_000;
    private const int WarmUpRounds = 200;
    private const int RequestBytes = 4096;
    private const long DeviceBytes = (Rounds + WarmUpRounds) * 2L * RequestBytes;
    private const int RequestOffset = NativeBuffer.AlignmentBytes - 80;
    private const int ReplyOffset = NativeBuffer.AlignmentBytes - FuseReply.HeaderBytes;

    private readonly TempDirectory _temp = TempDirectory.InMemory();
    private readonly NativeBuffer _buffer = new(FuseWorker.BufferBytes);
    private readonly FlatTree _tree = new();
    private readonly FuseDispatcher _dispatcher;
    private readonly LiveBits _live;
    private readonly Overlay _overlay;
    private readonly ulong _node;
    private ulong _unique;

    public DataPathAllocationTests()
    {
        _dispatcher = new FuseDispatcher(_tree);
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(_temp.MakeFile("base", DeviceBytes), out PosixFile? baseFile));
        Assert.Equal(Errno.None, PosixFile.TryCreate(_temp["cow"], out PosixFile? store));
        var image = new CountedFile(baseFile!);
        var options = new CowfileOptions { AllocateZeroedWords = words => new NativeWords(words), NewId = Guid.NewGuid() };
        var cowfile = Cowfile.Open(new CountedFile(store!), "cow", new BaseImage(image, "base"), options);
        LiveKey key = LiveDirectory.KeyOf(store!);
        _live = new LiveBits(new LiveDirectory(_temp.Path).TryCreate(key), key);
        _overlay = new Overlay(image, cowfile, 512, _live);
        _tree.Add("disk", new DiskFile(_overlay, new SharedWorkers(8)));
        Assert.True(_tree.TryLookup("disk", out _node, out _));
    }

    public static TheoryData<string> Kinds => [.. Operations.Keys];

    /// <summary>What is done with the place of a round; each round has its own.</summary>
    private static Dictionary<string, Func<DataPathAllocationTests, long, Errno>> Operations { get; } = new()
    {
        ["read from the base"] = (test, offset) => test.Read(offset),
        ["write new blocks"] = (test, offset) => test.Write(offset, RequestBytes),
        ["overwrite"] = (test, offset) => test.Write(offset % RequestBytes, RequestBytes),
        ["write part of a new block"] = (test, offset) => test.Write(offset + 100, 512),
        ["write new blocks, and read them"] = (test, offset) => test.Write(offset, RequestBytes) | test.Read(offset - CowLayout.BlockSize),
        ["zero"] = (test, offset) => test.Fallocate(offset, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE),
        ["discard"] = (test, offset) => test.Fallocate(offset, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
        ["flush what is clean"] = (test, _) => test.Sync(),
        ["write new blocks, and flush them"] = (test, offset) => test.Write(offset, RequestBytes) | test.Sync(),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Nothing_is_allocated_to(string kind)
    {
        Func<DataPathAllocationTests, long, Errno> operation = Operations[kind];
        // Dirty: the first new block costs a header.
        Errno worst = Write(0, RequestBytes);
        worst |= Repeat(operation, 1, WarmUpRounds);

        Assert.Equal(0, Allocated.By(() => worst |= Repeat(operation, WarmUpRounds, WarmUpRounds + Rounds)));
        Assert.Equal(Errno.None, worst);
        Assert.True(_live.IsKept);
    }

    /// <summary>The workers themselves, with more requests than they may serve at once: those wait in their buffers.</summary>
    [RootFact("/dev/fuse")]
    public void Nothing_is_allocated_for_each_request_that_waits()
    {
        const int Clients = 16;
        using var pool = new SmallPool(minWorkers: 4, maxWorkers: 4);
        using var disk = new AllocationWatch(_overlay, expectedCalls: Clients * Rounds / 8);
        // One at a time, all others wait.
        pool.Tree.Add("watched", new DiskFile(disk, new SharedWorkers(0)));
        using SafeFileHandle file = pool.Open("watched");

        Task[] clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Factory.StartNew(
            () =>
            {
                byte[] block = new byte[RequestBytes];
                for (int round = 0; round < Rounds / 8; round++)
                {
                    RandomAccess.Write(file, block, (long)(round * Clients + client) % (Rounds * 2) * RequestBytes);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        Poll.UntilDone("all writes are done", Task.WhenAll(clients));

        // What is made once may be made late, such as one more buffer for the stock. What each request costs is 24 bytes at least.
        const int Calls = Clients * Rounds / 8;
        Assert.InRange(disk.AllocatedBytes, 0, Calls / 10);
        Assert.Equal(Calls, disk.CallCount);
    }

    public void Dispose()
    {
        Assert.Equal(Errno.None, _overlay.Close());
        _buffer.Dispose();
        _temp.Dispose();
    }

    private Errno Repeat(Func<DataPathAllocationTests, long, Errno> operation, int first, int end)
    {
        Errno worst = Errno.None;
        for (int round = first; round < end; round++)
        {
            worst |= operation(this, round * 2L * RequestBytes);
        }
        return worst;
    }

    private Errno Read(long offsetBytes) =>
        Send(FuseOpcode.FUSE_READ, new fuse_read_in { offset = (ulong)offsetBytes, size = RequestBytes }, 0);

    private Errno Write(long offsetBytes, int lengthBytes) =>
        Send(FuseOpcode.FUSE_WRITE, new fuse_write_in { offset = (ulong)offsetBytes, size = (uint)lengthBytes }, lengthBytes);

    private Errno Fallocate(long offsetBytes, uint mode) =>
        Send(FuseOpcode.FUSE_FALLOCATE, new fuse_fallocate_in { offset = (ulong)offsetBytes, length = RequestBytes, mode = mode }, 0);

    private Errno Sync() => Send(FuseOpcode.FUSE_FSYNC, 0UL, 0);

    /// <summary>As a worker does it, in its buffer.</summary>
    private Errno Send<T>(FuseOpcode opcode, T arguments, int payloadBytes)
        where T : unmanaged
    {
        int length = Unsafe.SizeOf<fuse_in_header>() + Unsafe.SizeOf<T>() + payloadBytes;
        Span<byte> message = _buffer.Span.Slice(RequestOffset, length);
        MemoryMarshal.Write(message, new fuse_in_header { len = (uint)length, opcode = opcode, unique = ++_unique, nodeid = _node });
        MemoryMarshal.Write(message[Unsafe.SizeOf<fuse_in_header>()..], arguments);
        if (!FuseRequest.TryParse(message, out FuseRequest request))
        {
            return Errno.EINVAL;
        }
        _ = _dispatcher.LaneOf(request);
        var reply = new FuseReply(_buffer.Span[ReplyOffset..]);
        Errno errno = _dispatcher.Dispatch(request, reply, out int replyBytes) ?? Errno.EINVAL;
        return reply.Finish(_unique, errno, replyBytes).IsEmpty ? Errno.EINVAL : errno;
    }
}
