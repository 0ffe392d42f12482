using System.Reflection;
using System.Runtime.CompilerServices;
using Cowloop.Core;
using Cowloop.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Linux.Tests;

/// <summary>LibC.Constants.cs and LibC.Structs.cs say what the system's headers say: the C compiler compares them.</summary>
public class AbiTests(ITestOutputHelper output)
{
    private const string Includes = """
        #include <errno.h>
        #include <fcntl.h>
        #include <poll.h>
        #include <signal.h>
        #include <spawn.h>
        #include <sys/eventfd.h>
        #include <sys/file.h>
        #include <sys/inotify.h>
        #include <sys/mman.h>
        #include <sys/mount.h>
        #include <sys/prctl.h>
        #include <sys/resource.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/statvfs.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        /* What the two say of mounting they say differently. */
        #define _LINUX_MOUNT_H
        #include <linux/fs.h>
        #include <linux/loop.h>
        #include <linux/netlink.h>
        """;

    [NeedsFact("gcc")]
    public void Constants_are_the_headers() => Check(StructClaims.OfConstants(typeof(LibC)));

    [NeedsFact("gcc")]
    public void Structures_are_the_headers() => Check(
        typeof(LibC).GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic)
            .Where(type => type.IsValueType && !type.IsDefined(typeof(InlineArrayAttribute)))
            .SelectMany(type => StructClaims.OfStruct(type, $"struct {(type.Name.EndsWith("_t", StringComparison.Ordinal) ? type.Name[..^2] : type.Name)}", CField)));

    [NeedsFact("gcc")]
    public void Error_numbers_are_the_headers() => Check(
        Enum.GetValues<Errno>().Where(errno => errno != Errno.None).Select(errno => StructClaims.OfValue($"{errno}", (int)errno)));

    /// <summary>BlockEvents reads this structure byte by byte; DetachedProcess gives the C library room for these two.</summary>
    [NeedsFact("gcc")]
    public void Layouts_that_are_known_by_number_are_the_headers() => Check(
    [
        new("inotify_event", "struct inotify_event", "sizeof(struct inotify_event) == 16"),
        new("inotify_event.len", "((struct inotify_event *)0)->len", "offsetof(struct inotify_event, len) == 12"),
        new("inotify_event.name", "struct inotify_event", "offsetof(struct inotify_event, name) == 16"),
        new("posix_spawn_file_actions_t", "posix_spawn_file_actions_t", "sizeof(posix_spawn_file_actions_t) <= 1024"),
        new("posix_spawnattr_t", "posix_spawnattr_t", "sizeof(posix_spawnattr_t) <= 1024"),
    ]);

    [NeedsFact("gcc")]
    public void A_wrong_claim_and_a_missing_symbol_are_found()
    {
        AbiVerdict verdict = AbiProof.Check(
            Includes,
            [StructClaims.OfValue("O_EXCL", 1), StructClaims.OfValue("O_EXCL", LibC.O_EXCL), StructClaims.OfValue("O_NO_SUCH_FLAG", 1)]);

        Assert.Equal(["O_EXCL"], verdict.Wrong);
        Assert.Equal(["O_NO_SUCH_FLAG"], verdict.Missing);
    }

    private static string CField(string field) => field == "reserved" ? "__reserved" : field;

    private void Check(IEnumerable<AbiClaim> claims)
    {
        AbiClaim[] list = [.. claims];
        AbiVerdict verdict = AbiProof.Check(Includes, list);

        output.WriteLine($"{list.Length} claims compared");
        Assert.NotEmpty(list);
        Assert.Empty(verdict.Wrong);
        Assert.Empty(verdict.Missing);
    }
}
