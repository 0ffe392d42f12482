using System.Buffers.Binary;
using Cowloop.Core;
using Cowloop.Fuse.Tests.Support;

namespace Cowloop.Fuse.Tests;

/// <summary>Requests that can't be served, malformed ones too: an error or nothing, never an exception.</summary>
public class FuseDispatcherErrorTests
{
    private readonly SmallTree _small = new();

    [Theory]
    [InlineData(FuseOpcode.FUSE_READ, 40)]
    [InlineData(FuseOpcode.FUSE_WRITE, 40)]
    [InlineData(FuseOpcode.FUSE_FALLOCATE, 32)]
    [InlineData(FuseOpcode.FUSE_INIT, 16)]
    [InlineData(FuseOpcode.FUSE_RELEASE, 24)]
    [InlineData(FuseOpcode.FUSE_READDIR, 40)]
    internal void Arguments_that_are_cut_short_are_invalid(FuseOpcode opcode, int argumentBytes)
    {
        foreach (int length in Enumerable.Range(0, argumentBytes))
        {
            _small.Frames.ExpectError(Errno.EINVAL, Frame(opcode, 2, new byte[length]));
        }
        Assert.Empty(_small.Disk.Calls);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(0x7fffffff)]
    [InlineData(-1)]
    public void A_write_whose_data_is_not_as_long_as_it_says_is_invalid(int claimedBytes)
    {
        byte[] body = [.. Transfer(0, claimedBytes), 1, 2, 3, 4];

        _small.Frames.ExpectError(Errno.EINVAL, Frame(FuseOpcode.FUSE_WRITE, 2, body));
        Assert.Empty(_small.Disk.Calls);
    }

    [Theory]
    [InlineData(FuseOpcode.FUSE_READ)]
    [InlineData(FuseOpcode.FUSE_READDIR)]
    internal void More_than_the_agreed_size_is_invalid(FuseOpcode opcode)
    {
        _small.Frames.ExpectError(Errno.EINVAL, Frame(opcode, 2, Transfer(0, (1 << 20) + 1)));
        _small.Frames.ExpectError(Errno.EINVAL, Frame(opcode, 2, Transfer(0, -1)));
    }

    [Theory]
    [InlineData(2, -1)]
    [InlineData(2, long.MinValue)]
    [InlineData(3, -1)]
    [InlineData(3, long.MinValue)]
    public void An_offset_that_no_file_has_is_invalid(ulong node, long offsetBytes)
    {
        _small.Frames.Send(Frame(FuseOpcode.FUSE_OPEN, node, new byte[8]));
        byte[] read = Transfer(offsetBytes, 512);
        read[0] = 1; // The handle that a text's first opening got.

        _small.Frames.ExpectError(Errno.EINVAL, Frame(FuseOpcode.FUSE_READ, node, read));
    }

    [Fact]
    public void Changes_outside_the_device_are_its_own_error()
    {
        _small.Frames.ExpectError(Errno.EINVAL, Frame(FuseOpcode.FUSE_WRITE, 2, [.. Transfer(SmallTree.DiskBytes - 2, 4), 1, 2, 3, 4]));
        _small.Frames.ExpectError(Errno.EINVAL, Frame(FuseOpcode.FUSE_WRITE, 2, [.. Transfer(-1, 4), 1, 2, 3, 4]));
        _small.Frames.ExpectError(Errno.EINVAL, Frame(FuseOpcode.FUSE_FALLOCATE, 2, Allocation(-512, 1024, 3)));
        _small.Frames.ExpectError(Errno.EINVAL, Frame(FuseOpcode.FUSE_FALLOCATE, 2, Allocation(0, -1, 3)));
        _small.Frames.ExpectError(Errno.EINVAL, Frame(FuseOpcode.FUSE_FALLOCATE, 2, Allocation(0, SmallTree.DiskBytes + 1, 3)));
    }

    [Theory]
    [InlineData(FuseOpcode.FUSE_READ, 40, Errno.ENODEV)]
    [InlineData(FuseOpcode.FUSE_WRITE, 40, Errno.ENODEV)]
    [InlineData(FuseOpcode.FUSE_FALLOCATE, 32, Errno.ENODEV)]
    [InlineData(FuseOpcode.FUSE_FSYNC, 16, Errno.ENODEV)]
    [InlineData(FuseOpcode.FUSE_GETATTR, 16, Errno.ENOENT)]
    [InlineData(FuseOpcode.FUSE_OPEN, 8, Errno.ENOENT)]
    [InlineData(FuseOpcode.FUSE_RELEASE, 24, Errno.None)]
    internal void A_file_that_is_gone_has_an_error_of_its_own(FuseOpcode opcode, int argumentBytes, Errno errno)
    {
        foreach (ulong node in (ulong[])[0, 4, ulong.MaxValue])
        {
            _small.Frames.ExpectError(errno, Frame(opcode, node, new byte[argumentBytes]));
        }
    }

    [Theory]
    [InlineData(1, "other")]
    [InlineData(1, "")]
    [InlineData(1, "disk-00")]
    [InlineData(2, "disk-0")]
    public void A_name_that_is_not_there_is_not_found(ulong directory, string name) => _small.Frames.ExpectError(
        Errno.ENOENT,
        Frame(FuseOpcode.FUSE_LOOKUP, directory, [.. System.Text.Encoding.UTF8.GetBytes(name), 0]));

    [Fact]
    public void A_name_without_end_or_text_is_not_found()
    {
        _small.Frames.ExpectError(Errno.ENOENT, Frame(FuseOpcode.FUSE_LOOKUP, 1, []));
        _small.Frames.ExpectError(Errno.ENOENT, Frame(FuseOpcode.FUSE_LOOKUP, 1, [0xff, 0xfe, 0x80, 0]));
        _small.Frames.ExpectError(Errno.ENOENT, Frame(FuseOpcode.FUSE_LOOKUP, 1, [.. Enumerable.Repeat((byte)'x', 5000)]));
    }

    [Fact]
    public void A_protocol_of_another_major_version_is_refused()
    {
        byte[] introduction = new byte[64];
        introduction[0] = 8;

        _small.Frames.ExpectError(Errno.EINVAL, Frame(FuseOpcode.FUSE_INIT, 0, introduction));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(0x13)]
    [InlineData(-1)]
    public void A_mode_of_allocation_that_is_unknown_is_not_supported(int mode)
    {
        _small.Frames.ExpectError(Errno.EOPNOTSUPP, Frame(FuseOpcode.FUSE_FALLOCATE, 2, Allocation(0, 512, mode)));
        Assert.Empty(_small.Disk.Calls);
    }

    [Fact]
    public void A_texts_reader_can_change_nothing()
    {
        _small.Frames.ExpectError(Errno.EROFS, Frame(FuseOpcode.FUSE_WRITE, 3, [.. Transfer(0, 1), 1]));
        _small.Frames.ExpectError(Errno.EOPNOTSUPP, Frame(FuseOpcode.FUSE_FALLOCATE, 3, Allocation(0, 1, 3)));
        _small.Frames.ExpectError(Errno.EPERM, Frame(FuseOpcode.FUSE_SETATTR, 3, new byte[88]));
    }

    [Fact]
    public void The_devices_errors_are_passed_on_without_data()
    {
        _small.Disk.Answer = Errno.ENOSPC;

        _small.Frames.ExpectError(Errno.ENOSPC, Frame(FuseOpcode.FUSE_READ, 2, Transfer(0, 512)));
        _small.Frames.ExpectError(Errno.ENOSPC, Frame(FuseOpcode.FUSE_WRITE, 2, [.. Transfer(0, 1), 1]));
        _small.Frames.ExpectError(Errno.ENOSPC, Frame(FuseOpcode.FUSE_FSYNC, 2, new byte[16]));
        _small.Frames.ExpectError(Errno.ENOSPC, Frame(FuseOpcode.FUSE_FALLOCATE, 2, Allocation(0, 512, 3)));
    }

    [Fact]
    public void Every_other_request_is_not_implemented()
    {
        HashSet<FuseOpcode> known = [.. Enum.GetValues<FuseOpcode>()];
        foreach (FuseOpcode opcode in Enumerable.Range(0, 100).Append(-1).Select(code => (FuseOpcode)(uint)code).Where(code => !known.Contains(code)))
        {
            _small.Frames.ExpectError(Errno.ENOSYS, Frame(opcode, 2, new byte[64]));
        }
    }

    /// <summary>Whatever the bytes, there is a reply or none; the same seed gives the same bytes.</summary>
    [Fact]
    public void No_request_throws()
    {
        var random = new Random(20_26);
        FuseOpcode[] opcodes = Enum.GetValues<FuseOpcode>();
        for (int round = 0; round < 2_000; round++)
        {
            byte[] body = new byte[random.Next(100)];
            random.NextBytes(body);
            FuseOpcode opcode = opcodes[random.Next(opcodes.Length)];

            string? reply = _small.Frames.Send(Frame(opcode, (ulong)random.Next(5), body));

            Assert.Equal(opcode is FuseOpcode.FUSE_FORGET or FuseOpcode.FUSE_BATCH_FORGET or FuseOpcode.FUSE_INTERRUPT, reply is null);
        }
    }

    private static string Frame(FuseOpcode opcode, ulong node, byte[] body)
    {
        byte[] header = new byte[40];
        BinaryPrimitives.WriteInt32LittleEndian(header, header.Length + body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), (uint)opcode);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), 77);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(16), node);
        return Convert.ToHexString([.. header, .. body]);
    }

    /// <summary>struct fuse_read_in and fuse_write_in.</summary>
    private static byte[] Transfer(long offsetBytes, int lengthBytes)
    {
        byte[] arguments = new byte[40];
        BinaryPrimitives.WriteInt64LittleEndian(arguments.AsSpan(8), offsetBytes);
        BinaryPrimitives.WriteInt32LittleEndian(arguments.AsSpan(16), lengthBytes);
        return arguments;
    }

    /// <summary>struct fuse_fallocate_in.</summary>
    private static byte[] Allocation(long offsetBytes, long lengthBytes, int mode)
    {
        byte[] arguments = new byte[32];
        BinaryPrimitives.WriteInt64LittleEndian(arguments.AsSpan(8), offsetBytes);
        BinaryPrimitives.WriteInt64LittleEndian(arguments.AsSpan(16), lengthBytes);
        BinaryPrimitives.WriteInt32LittleEndian(arguments.AsSpan(24), mode);
        return arguments;
    }
}
