using Cowloop.Control;
using Cowloop.Core.Devices;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

public class DeviceTableTests
{
    private static readonly DeviceStatus Device = new()
    {
        Number = 0,
        Path = "/dev/cow/0",
        Base = "disk.img",
        BasePath = "/srv/disk.img",
        Cowfile = "my.cow",
        CowfilePath = "/srv/my.cow",
        State = "clean",
        CowfileAccess = CowfileAccess.ReadWrite,
        ReadOnly = false,
        Watched = false,
        Settings = new DeviceSettings("error", "", ""),
        Space = new SpaceStatus { TotalKiB = 100, AvailableKiB = 50, Low = [], Full = false, Waiting = 0 },
        SizeBytes = 64 << 20,
        SectorSize = 512,
        BlockSize = 1024,
        BitmapBlocks = 8,
        CowBlocks = 3,
        BaseReads = 0,
        CowfileReads = 0,
        CowfileWrites = 0,
        Opens = 0,
        KernelName = "loop0",
        DeviceNumber = "7:0",
        Partitions = [],
        ProcessId = 1,
    };

    [Fact]
    public void Without_devices_there_is_nothing() => Assert.Equal("", DeviceTable.Format([]));

    [Fact]
    public void Every_device_has_a_line_under_the_headings() => Assert.Equal(
        """
        DEVICE              SIZE    CHANGED      STATE  OPENS  BASE + COWFILE
        /dev/cow/0      64.0 MiB    3.0 KiB      clean      0  disk.img + my.cow
        /dev/cow/1021    4.0 TiB    1.0 TiB      dirty     12  /dev/cow/0 + /srv/a cow

        """,
        DeviceTable.Format(
        [
            Device,
            Device with
            {
                Number = 1021,
                Path = "/dev/cow/1021",
                Base = "/dev/cow/0",
                Cowfile = "/srv/a cow",
                SizeBytes = 4L << 40,
                CowBlocks = 1L << 30,
                State = "dirty",
                Opens = 12,
            },
        ]));

    [Theory]
    [InlineData("dirty", CowfileAccess.ReadWrite, null, false, "dirty")]
    [InlineData("dirty", CowfileAccess.ReadWrite, null, true, "full")]
    [InlineData("dirty", CowfileAccess.ReadWrite, "Input/output error", true, "failed")]
    [InlineData("clean", CowfileAccess.ReadOnly, null, true, "read-only")]
    [InlineData("clean", CowfileAccess.Closed, "Input/output error", false, "closed")]
    public void The_state_is_what_matters_most(string state, CowfileAccess access, string? failure, bool isFull, string shown) => Assert.Contains(
        $" {shown} ",
        DeviceTable.Format([Device with { State = state, CowfileAccess = access, Failure = failure, Space = Device.Space with { Full = isFull } }]).Split('\n')[1],
        StringComparison.Ordinal);
}
