using Cowloop.Core.Devices;

namespace Cowloop.Control.Tests.Support;

/// <summary>Contract values with every property set.</summary>
internal static class Samples
{
    public static DeviceStatus Device { get; } = new()
    {
        Number = 3,
        Path = "/dev/cow/3",
        Base = "disk ä.img",
        BasePath = "/images/disk ä.img",
        Mode = DeviceMode.Volatile,
        Layers = ["/images/r1.cow", "/images/r2 ä.cow"],
        Cowfile = "my.cow",
        CowfilePath = "/home/me/my.cow",
        State = "dirty",
        CowfileAccess = CowfileAccess.ReadOnly,
        ReadOnly = true,
        Watched = true,
        Settings = new DeviceSettings("wait:60", "80%,1G", "/usr/local/sbin/hook ä"),
        Space = new SpaceStatus
        {
            TotalKiB = 1UL << 40,
            AvailableKiB = 12,
            Low = ["80%", "1G"],
            Full = true,
            Waiting = 3,
            WaitingSince = new DateTime(2026, 11, 23, 12, 30, 0, DateTimeKind.Utc),
        },
        Failure = "Input/output error",
        SizeBytes = 5L << 40,
        SectorSize = 512,
        BlockSize = 1024,
        BitmapBlocks = 7,
        CowBlocks = 1L << 33,
        BaseReads = 11,
        CowfileReads = 12,
        CowfileWrites = 13,
        Opens = 2,
        KernelName = "loop4",
        DeviceNumber = "7:4",
        Partitions = ["/dev/cow/3p1", "/dev/cow/3p2"],
        ProcessId = 4711,
    };

    public static SettingsRequest Settings { get; } = new("wait:60", "80%,1G", "/usr/local/sbin/hook ä");

    private static UnrecoveredDevice Unrecovered { get; } = new()
    {
        Number = 5,
        Path = "/dev/cow/5",
        Base = "disk.img",
        BasePath = "/images/disk.img",
        Cowfile = "lost.cow",
        CowfilePath = "/home/me/lost.cow",
        Reason = "it is gone",
        Hint = "bring it back",
        Command = "cowdev -a /images/disk.img /home/me/lost.cow /dev/cow/5",
    };

    private static OrphanedUse Mounted { get; } = new(3, "loop4", "mounted read-write on /mnt", "/mnt", "umount /mnt && mount /dev/cow/3 /mnt");

    public static ServiceStatus Service { get; } = new("0.1.0", 4711, 16, true, [Device], [Unrecovered], [Mounted]);
}
