using System.Buffers.Binary;
using Cowloop.Core;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests;

public class FuseDeviceTests
{
    private const string Fuse = "/dev/fuse";
    private const uint InitOpcode = 26;
    private const int HeaderBytes = 40;

    [RootFact(Fuse)]
    public void The_first_request_of_a_mount_is_the_kernels_introduction()
    {
        using FuseDevice connection = FuseDevice.Open();
        using SafeFileHandle mount = Mounts.MountFuseDetached(connection.Handle, 1 << 20);
        byte[] request = new byte[2 << 20];

        Assert.Equal(Errno.None, connection.Receive(request, out int lengthBytes));

        Assert.Equal((uint)lengthBytes, BinaryPrimitives.ReadUInt32LittleEndian(request));
        Assert.Equal(InitOpcode, BinaryPrimitives.ReadUInt32LittleEndian(request.AsSpan(4)));
        Assert.Equal(7u, BinaryPrimitives.ReadUInt32LittleEndian(request.AsSpan(HeaderBytes)));
    }

    [RootFact(Fuse)]
    public void The_kernel_refuses_replies_that_answer_nothing()
    {
        using FuseDevice connection = FuseDevice.Open();
        using SafeFileHandle mount = Mounts.MountFuseDetached(connection.Handle, 1 << 20);
        connection.Receive(new byte[2 << 20], out _);
        byte[] toNobody = [16, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0];

        Assert.Equal(Errno.ENOENT, connection.Send(toNobody));
        Assert.Equal(Errno.EINVAL, connection.Send(toNobody.AsSpan(0, 8)));
    }

    [RootFact(Fuse)]
    public void A_connection_that_is_mounted_nowhere_serves_nothing()
    {
        using FuseDevice connection = FuseDevice.Open();

        Assert.Equal(Errno.EPERM, connection.Receive(new byte[2 << 20], out int lengthBytes));
        Assert.Equal(0, lengthBytes);
    }
}
