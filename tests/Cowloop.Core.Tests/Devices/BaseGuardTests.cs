using System.Security.Cryptography;
using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Which bases a cowfile with an extension record takes.</summary>
public sealed class BaseGuardTests : IDisposable
{
    private const int LengthBytes = 4 << 20;

    private static readonly BaseHints Hints = new(1, 2, 3, 4);

    private readonly byte[] _content = Fixtures.RandomBytes(new Random(4), LengthBytes);
    private readonly MemoryFile _file = new();

    public BaseGuardTests() => Open(Hints).Dispose();

    public void Dispose()
    {
        _file.Dispose();
    }

    [Fact]
    public void A_new_file_knows_its_base()
    {
        using Cowfile cowfile = Open(Hints);

        Assert.Equal(Disk.Id, cowfile.Record!.Id);
        Assert.Equal(LengthBytes, cowfile.Record.BaseLengthBytes);
        Assert.Equal(Hints, cowfile.Record.BaseHints);
        Assert.Equal(BaseIdentity.Compute(new FlatFile(_content), LengthBytes), cowfile.Record.BaseIdentity);
        Assert.Null(cowfile.Record.BaseDigest);
        Assert.Equal(CowFlags.BitmapDecides, cowfile.Header.Flags);
    }

    [Fact]
    public void The_same_file_is_taken_unread_and_changes_nothing()
    {
        byte[] before = _file.ToArray();
        _content[1 << 20] ^= 1;

        Open(Hints).Dispose();

        Assert.Equal(before, _file.ToArray());
    }

    [Fact]
    public void A_copied_or_touched_base_is_taken_and_known_from_then_on()
    {
        BaseHints moved = new(1, 20, 30, 40);

        using Cowfile cowfile = Open(moved);

        Assert.Equal(moved, cowfile.Record!.BaseHints);
        Assert.Equal(cowfile.Record, RecordOnDisk());
        Assert.Equal(0UL, cowfile.Record.Generation);
    }

    [Theory]
    [InlineData(1 << 20, "its first 2 MiB differ")]
    [InlineData(LengthBytes - 1, "its last 1 MiB differs")]
    [InlineData(2 << 20, "samples from its middle differ")]
    public void A_base_whose_content_changed_is_refused(int offset, string difference)
    {
        byte[] before = _file.ToArray();
        _content[offset] ^= 1;

        var exception = Assert.Throws<CowloopException>(() => Open(Hints with { ModifiedNanoseconds = 90_000_000_000 }));

        Assert.Equal(
            $"rdofile disk.img has changed since cowfile test.cow was made for it: {difference} (modified 1970-01-01 00:01:30 UTC, before 1970-01-01 00:00:00 UTC)",
            exception.Message);
        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.Contains("--accept-base", exception.Hint, StringComparison.Ordinal);
        Assert.Equal(before, _file.ToArray());
    }

    [Fact]
    public void A_time_that_only_the_kernel_sets_is_looked_at_too()
    {
        _content[0] ^= 1;

        Assert.Throws<CowloopException>(() => Open(Hints with { ChangedNanoseconds = 5 }));
    }

    [Fact]
    public void A_base_that_does_not_know_when_it_was_changed_is_always_read()
    {
        Open(null).Dispose();
        _content[0] ^= 1;

        Assert.Throws<CowloopException>(() => Open(null));
    }

    [Fact]
    public void An_exact_length_counts_below_a_block()
    {
        byte[] longer = [.. _content, .. new byte[512]];

        var exception = Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(longer), _file, Disk.WithRecord));

        Assert.Contains("it has 4194816 bytes instead of 4194304", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_base_is_taken_when_the_user_says_so_and_that_is_remembered()
    {
        _content[0] ^= 1;
        BaseHints now = Hints with { ModifiedNanoseconds = 5 };
        uint fingerprint = BaseFingerprint.Compute(new FlatFile(_content), LengthBytes / 1024);

        using (Cowfile cowfile = Open(now, Disk.WithRecord with { AcceptBase = true }))
        {
            Assert.Equal(1U, cowfile.Record!.AcceptedChangeCount);
            Assert.Equal(fingerprint, cowfile.Header.Fingerprint);
        }

        // From now on this is the base, also for the original.
        using Cowfile again = Open(now);
        Assert.Equal(1U, again.Record!.AcceptedChangeCount);
        Assert.Equal(fingerprint, CowHeader.Decode(_file.ToArray())!.Fingerprint);
    }

    [Fact]
    public void Accepting_an_unchanged_base_is_nothing_to_remember()
    {
        using Cowfile cowfile = Open(new BaseHints(9, 9, 9, 9), Disk.WithRecord with { AcceptBase = true });

        Assert.Equal(0U, cowfile.Record!.AcceptedChangeCount);
    }

    [Fact]
    public void Another_size_is_never_accepted()
    {
        byte[] shorter = _content[..^1024];

        Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(shorter), _file, Disk.WithRecord with { AcceptBase = true }));
    }

    [Fact]
    public void Verifying_reads_all_and_remembers_the_digest()
    {
        using (Cowfile cowfile = Open(Hints, Disk.WithRecord with { VerifyBase = true }))
        {
            Assert.Equal(SHA256.HashData(_content), cowfile.Record!.BaseDigest);
        }
        Assert.Equal(SHA256.HashData(_content), RecordOnDisk().BaseDigest);
        // A byte that no sample covers.
        _content[(2 << 20) + BaseIdentity.SampleBytes + 1] ^= 1;

        Open(Hints).Dispose();
        var exception = Assert.Throws<CowloopException>(() => Open(Hints, Disk.WithRecord with { VerifyBase = true }));

        Assert.Contains("its SHA-256 is another", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_digest_survives_what_only_moves_the_base()
    {
        Open(Hints, Disk.WithRecord with { VerifyBase = true }).Dispose();

        using Cowfile cowfile = Open(new BaseHints(9, 9, 9, 9));

        Assert.Equal(SHA256.HashData(_content), cowfile.Record!.BaseDigest);
    }

    [Fact]
    public void A_digest_of_the_former_content_is_forgotten_with_it()
    {
        Open(Hints, Disk.WithRecord with { VerifyBase = true }).Dispose();
        _content[0] ^= 1;

        using Cowfile cowfile = Open(Hints with { ModifiedNanoseconds = 5 }, Disk.WithRecord with { AcceptBase = true });

        Assert.Null(cowfile.Record!.BaseDigest);
    }

    [Fact]
    public void A_damaged_record_is_refused_and_can_be_taken_out()
    {
        byte[] content = _file.ToArray();
        content[600] ^= 1;
        var damaged = new MemoryFile(content);

        var exception = Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(_content), damaged, Disk.WithRecord));
        Assert.Equal("cowfile test.cow has a damaged extension record", exception.Message);
        Assert.Contains("cowrepair -f test.cow", exception.Hint, StringComparison.Ordinal);

        Assert.True(AtRest.Repair(damaged).HasDamagedRecord);
        using Cowfile cowfile = Disk.OpenCowfile(new FlatFile(_content), damaged, Disk.WithRecord);
        Assert.Null(cowfile.Record);
    }

    private Cowfile Open(BaseHints? hints, CowfileOptions? options = null) =>
        Cowfile.Open(_file, Disk.Path, Disk.ImageOf(new FlatFile(_content), hints), options ?? Disk.WithRecord);

    private ExtensionRecord RecordOnDisk()
    {
        Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(_file.ToArray().AsSpan(0, 1024), out ExtensionRecord? record));
        return record!;
    }
}
