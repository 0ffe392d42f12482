using Cowloop.Core;
using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests;

/// <summary>What the guard does for a process that is killed needs one: the tests of the whole system kill it.</summary>
public class FuseGuardTests
{
    private const string Fuse = "/dev/fuse";

    [RootFact(Fuse, "/bin/sh")]
    public void An_orderly_end_leaves_the_connection_alone()
    {
        using FuseDevice connection = FuseDevice.Open();
        using SafeFileHandle mount = Mounts.MountFuseDetached(connection.Handle, 1 << 20);

        FuseGuard.Start(mount).Dispose();

        // The kernel introduces itself still.
        Assert.Equal(Errno.None, connection.Receive(new byte[2 << 20], out _));
        // The kernel may still be ending a thread that has been waited for.
        Poll.UntilNone("threads of a guard", GuardThreads);
    }

    [RootFact(Fuse, "/bin/sh")]
    public void The_end_of_its_thread_is_the_end_of_the_pipe()
    {
        using FuseDevice connection = FuseDevice.Open();
        using SafeFileHandle mount = Mounts.MountFuseDetached(connection.Handle, 1 << 20);

        using FuseGuard guard = FuseGuard.Start(mount);

        string pipe = Assert.Single(Targets(Assert.Single(GuardThreads())), target => target.StartsWith("pipe:", StringComparison.Ordinal));
        Assert.DoesNotContain(pipe, Targets("/proc/self"));
        Assert.DoesNotContain(Fuse, Targets(Assert.Single(GuardThreads())));
    }

    [RootFact(Fuse, "/bin/sh")]
    public void A_word_on_its_file_ends_the_connection()
    {
        using FuseDevice connection = FuseDevice.Open();
        using SafeFileHandle mount = Mounts.MountFuseDetached(connection.Handle, 1 << 20);
        using SafeFileHandle abort = Mounts.OpenFuseAbort(mount);

        FuseConnections.End(abort);

        Assert.Equal(Errno.ENODEV, connection.Receive(new byte[2 << 20], out _));
    }

    private static string[] GuardThreads() =>
        [.. Directory.GetDirectories("/proc/self/task").Where(task => KernelText.ReadOrEmpty($"{task}/comm") == "fuse-guard")];

    private static string[] Targets(string process) => [.. KernelText.DescriptorsOf(process).Select(KernelText.TargetOf)];
}
