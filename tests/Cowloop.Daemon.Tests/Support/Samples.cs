using Cowloop.Control;
using Cowloop.Core.Devices;
using Cowloop.Core.Live;
using Cowloop.Linux;

namespace Cowloop.Daemon.Tests.Support;

/// <summary>Saved devices with every property set.</summary>
internal static class Samples
{
    public static Guid BootId { get; } = Guid.NewGuid();

    private static readonly DeviceSettings Settings = new("wait:60", "80%", "/usr/local/bin/hook");

    public static SavedDevice Device(int number, int? lower = null) => new()
    {
        Number = number,
        Base = "disk ä.img",
        Cowfile = "it's my.cow",
        Directory = "/home/me",
        Settings = Settings,
        BasePath = "/home/me/disk ä.img",
        BaseIdentity = new FileIdentity(FileKind.Regular, new DeviceNumber(8, 1), 4711, default),
        BaseNode = lower is null ? null : $"/dev/cow/{lower}p1",
        Lower = lower,
        CowfilePath = "/home/me/it's my.cow",
        CowfileIdentity = new FileIdentity(FileKind.Regular, new DeviceNumber(8, 2), ulong.MaxValue, default),
        LiveKey = new LiveKey(BootId, 1UL << 63, ulong.MaxValue),
        IsOnCowdevice = true,
        Access = CowfileAccess.ReadOnly,
    };

    /// <summary>A device with layers, amid a snapshot.</summary>
    public static SavedDevice InExchange(int number) => Device(number) with
    {
        Layers = ["/home/me/r1.cow", "/home/me/r2.cow"],
        Exchange = new SavedExchange
        {
            Cowfile = "next.cow",
            CowfilePath = "/home/me/next.cow",
            CowfileIdentity = new FileIdentity(FileKind.Regular, new DeviceNumber(8, 2), 1, default),
            Layers = ["/home/me/r1.cow", "/home/me/r2.cow", "/home/me/it's my.cow"],
            LiveKey = new LiveKey(BootId, 1, 2),
            IsOnCowdevice = false,
            MadePath = "/home/me/next.cow.made",
        },
    };
}
