using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Linux;
using Cowloop.Tests.Support;

namespace Cowloop.Daemon.Tests.Api;

public sealed class StackRequestTests : IDisposable
{
    private static readonly AttachRequest Writable = new("disk.img", "my.cow", "/");
    private static readonly AttachRequest Volatile = new("disk.img", "", "/", Volatile: new VolatileRequest());
    private static readonly AttachRequest ReadOnly = new("disk.img", "", "/", ReadOnly: true);

    private readonly TempDirectory _directory = new();

    public static TheoryData<AttachRequest> Possible =>
    [
        Writable,
        Volatile,
        ReadOnly,
        Writable with { SizeBytes = 1024, Layers = ["r1.cow"], Repair = true },
        Volatile with { SizeBytes = 1L << 40, Volatile = new VolatileRequest("/var/tmp", 1) },
        ReadOnly with { Cowfile = "top.cow", Layers = ["r1.cow"] },
        Writable with { Store = new StoreRequest(StoreRequest.Compact) },
        Writable with { Store = new StoreRequest(StoreRequest.Compact, 4096) },
        Writable with { Store = new StoreRequest(StoreRequest.Compact, LimitBytes: 1L << 40) },
        Writable with { Store = new StoreRequest(StoreRequest.Classic), Plain = true },
    ];

    public static TheoryData<AttachRequest, string> Impossible => new()
    {
        { ReadOnly with { Volatile = new VolatileRequest() }, "a read-only device takes no changes" },
        { ReadOnly with { SizeBytes = 4096 }, "a read-only device takes no changes" },
        { ReadOnly with { Repair = true }, "a read-only device takes no changes" },
        { Volatile with { Cowfile = "my.cow" }, "a volatile device has no cowfile" },
        { Volatile with { Volatile = new VolatileRequest(null, 0) }, "more than 0 bytes" },
        { Volatile with { Volatile = new VolatileRequest(null, -1) }, "more than 0 bytes" },
        { Volatile with { Volatile = new VolatileRequest("") }, "name a directory for volatile changes" },
        { Volatile with { Volatile = new VolatileRequest("a\0b") }, "zero byte" },
        { Writable with { SizeBytes = 0 }, "multiple of 1024 bytes" },
        { Writable with { SizeBytes = -1024 }, "multiple of 1024 bytes" },
        { Writable with { SizeBytes = 1025 }, "multiple of 1024 bytes" },
        { Writable with { SizeBytes = long.MaxValue / 1024 * 1024 }, "multiple of 1024 bytes" },
        { Writable with { Store = new StoreRequest("sparse") }, "there is no store 'sparse'" },
        { Writable with { Store = new StoreRequest(StoreRequest.Compact, 5000) }, "power of two" },
        { Writable with { Store = new StoreRequest(StoreRequest.Compact, 2 << 20) }, "power of two" },
        { Writable with { Store = new StoreRequest(StoreRequest.Classic, 4096) }, "a classic cowfile has none" },
        { Writable with { Store = new StoreRequest(StoreRequest.Classic, LimitBytes: 1 << 20) }, "a classic cowfile has no limit" },
        { Writable with { Store = new StoreRequest(StoreRequest.Compact, LimitBytes: 0) }, "more than 0 bytes" },
        { Writable with { Store = new StoreRequest(StoreRequest.Compact, LimitBytes: -1) }, "more than 0 bytes" },
        { Writable with { Store = new StoreRequest(StoreRequest.Compact), Plain = true }, "not to be like the original's" },
        { Volatile with { Store = new StoreRequest(StoreRequest.Compact) }, "for a new cowfile" },
        { ReadOnly with { Store = new StoreRequest(StoreRequest.Compact) }, "for a new cowfile" },
        { Writable with { Layers = [.. Enumerable.Repeat("r.cow", 33)] }, "33 layers are too many" },
    };

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Possible))]
    public void What_makes_sense_is_taken(AttachRequest request) => StackRequest.Check(request);

    [Theory]
    [MemberData(nameof(Impossible))]
    public void What_contradicts_itself_is_refused(AttachRequest request, string reason)
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => StackRequest.Check(request));
        Assert.Equal(Errno.EINVAL, refused.Errno);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_is_made_as_asked()
    {
        Assert.Null(StackRequest.StoreOf(Writable));
        Assert.Equal(StoreChoice.Classic, StackRequest.StoreOf(Writable with { Store = new StoreRequest(StoreRequest.Classic) }));
        Assert.Equal(StoreChoice.Compact, StackRequest.StoreOf(Writable with { Store = new StoreRequest(StoreRequest.Compact) }));
        Assert.Equal(
            new StoreChoice(StoreChoice.UsualChunkBytes, 5000),
            StackRequest.StoreOf(Writable with { Store = new StoreRequest(StoreRequest.Compact, LimitBytes: 5000) }));
        Assert.Equal(new StoreChoice(4096, 5000), StackRequest.StoreOf(Writable with { Store = new StoreRequest(StoreRequest.Compact, 4096, 5000) }));
    }

    [Fact]
    public void A_mode_follows_from_what_is_asked()
    {
        Assert.Equal(DeviceMode.Writable, StackRequest.ModeOf(Writable));
        Assert.Equal(DeviceMode.Volatile, StackRequest.ModeOf(Volatile));
        Assert.Equal(DeviceMode.ReadOnly, StackRequest.ModeOf(ReadOnly));
    }

    [Fact]
    public void The_last_one_takes_the_changes_unless_there_are_none()
    {
        MustResolve(Writable with { Cowfile = "top", Layers = ["r1", "../r2"], Directory = _directory["in"] }, ["in/r1", "r2"], "in/top");
        MustResolve(Writable with { Cowfile = "top", Directory = _directory.Path }, [], "top");
        MustResolve(ReadOnly with { Cowfile = "top", Layers = ["r1"], Directory = _directory.Path }, ["r1", "top"], null);
        MustResolve(ReadOnly with { Directory = _directory.Path }, [], null);
        MustResolve(Volatile with { Layers = ["r1"], Directory = _directory.Path }, ["r1"], null);
    }

    [Fact]
    public void Those_that_the_lowest_one_lies_on_come_first()
    {
        Guid id = Guid.NewGuid();
        MakeCowfile("r1", id, null);
        MakeCowfile("r2", Guid.NewGuid(), new ParentLink(id, 0, "r1"));
        MustResolve(Writable with { Cowfile = "r2", Directory = _directory.Path }, ["r1"], "r2");
        MustResolve(Volatile with { Layers = ["r2"], Directory = _directory.Path }, ["r1", "r2"], null);
        MustResolve(Writable with { Cowfile = "new", Layers = ["r2"], Directory = _directory.Path }, ["r1", "r2"], "new");
    }

    [Fact]
    public void A_cowfile_that_is_not_named_is_missed()
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => StackRequest.Resolve(Writable with { Cowfile = "" }));
        Assert.Equal("specify name of copy-on-write file", refused.Message);
        refused = Assert.Throws<CowloopException>(() => StackRequest.Resolve(Writable with { Layers = [""] }));
        Assert.Equal("specify name of layer", refused.Message);
    }

    private void MustResolve(AttachRequest request, string[] layers, string? cowfile)
    {
        (IReadOnlyList<StackMember> foundLayers, StackMember? foundCowfile) = StackRequest.Resolve(request);
        Assert.Equal(layers.Select(name => _directory[name]), foundLayers.Select(member => member.Path));
        Assert.Equal(cowfile is null ? null : _directory[cowfile], foundCowfile?.Path);
    }

    private void MakeCowfile(string name, Guid id, ParentLink? parent)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        CowHeader.ForNewFile(new CowLayout(100), 1).Encode(block);
        new ExtensionRecord { Id = id, BaseLengthBytes = 102_400, BaseIdentity = default, Parent = parent }.Encode(block);
        File.WriteAllBytes(_directory[name], block);
    }
}
