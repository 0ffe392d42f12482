using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Maintenance;

public class PackedTargetTests
{
    [Fact]
    public void The_plain_form_has_its_parts_where_they_belong()
    {
        var memory = new MemoryFile();
        PackedTarget target = PackedTarget.Plain(new CheckedFile(memory, "packed"));

        target.Write(0, [1, 2], Fault.WriteHeader);
        target.Write(1024, [3], Fault.WriteBitmap);
        target.Finish(4096);

        byte[] expected = new byte[4096];
        (expected[0], expected[1], expected[1024]) = (1, 2, 3);
        Assert.Equal(expected, memory.ToArray());
    }

    [Fact]
    public void The_plain_form_keeps_zeros_as_holes()
    {
        var memory = new MemoryFile();
        PackedTarget target = PackedTarget.Plain(new CheckedFile(memory, "packed"));

        target.Write(0, new byte[1 << 20], Fault.WriteBitmap);
        target.Finish(1 << 20);

        Assert.Equal((1 << 20, 0), (memory.LengthBytes, memory.UsedBytes));
    }

    [Fact]
    public void The_unpadded_form_has_its_parts_one_behind_the_other()
    {
        using var stream = new MemoryStream();
        PackedTarget target = PackedTarget.Unpadded(stream);

        target.Write(0, [1, 2], Fault.WriteHeader);
        target.Write(1024, [0, 3], Fault.WriteBitmap);
        target.Finish(4096);

        Assert.Equal([1, 2, 0, 3], stream.ToArray());
    }

    [Fact]
    public void A_full_disk_is_an_error_of_the_part_being_written()
    {
        PackedTarget target = PackedTarget.Plain(new CheckedFile(new MemoryFile { SpaceLimitBytes = 4096 }, "packed"));
        target.Write(0, [1], Fault.WriteHeader);

        var exception = Assert.Throws<CowloopException>(() => target.Write(4096, [1], Fault.WriteBitmap));

        Assert.Equal((Errno.ENOSPC, Fault.WriteBitmap), (exception.Errno, exception.Fault));
    }
}
