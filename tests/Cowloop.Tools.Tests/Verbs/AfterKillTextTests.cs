using Cowloop.Control;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

public class AfterKillTextTests
{
    private static readonly UnrecoveredDevice Device = new()
    {
        Number = 1,
        Path = "/dev/cow/1",
        Base = "disk.img",
        BasePath = "/srv/disk.img",
        Cowfile = "my.cow",
        CowfilePath = "/srv/my.cow",
        Reason = "cowfile my.cow is dirty",
        Hint = "run: cowrepair my.cow",
        Command = "cowdev -a /srv/disk.img /srv/my.cow /dev/cow/1",
    };

    [Fact]
    public void Mostly_there_is_nothing_to_say() => Assert.Equal("", AfterKillText.Format(Service([], [])));

    [Fact]
    public void Devices_that_did_not_come_back_are_shown_with_reason_and_command() => Assert.Equal(
        """

        Not active again since the service was killed; 'cowloop detach DEVICE' forgets one:
        /dev/cow/1: cowfile my.cow is dirty; run: cowrepair my.cow
            cowdev -a /srv/disk.img /srv/my.cow /dev/cow/1
        /dev/cow/2: it is being recovered

        """.ReplaceLineEndings("\n"),
        AfterKillText.Format(Service([Device, Device with { Path = "/dev/cow/2", Reason = "it is being recovered", Hint = null, Command = null }], [])));

    [Fact]
    public void Uses_of_dead_devices_are_shown_with_the_command_that_ends_them() => Assert.Equal(
        """

        In use as the killed service has left it, with nothing but errors until that use ends:
        cowdevice 0, the former loop3: mounted read-write on /mnt
            umount /mnt && mount /dev/cow/0 /mnt
        cowdevice 2, the former loop4: open in process 77 (dd)

        """.ReplaceLineEndings("\n"),
        AfterKillText.Format(Service(
            [],
            [
                new OrphanedUse(0, "loop3", "mounted read-write on /mnt", "/mnt", "umount /mnt && mount /dev/cow/0 /mnt"),
                new OrphanedUse(2, "loop4", "open in process 77 (dd)", null, null),
            ])));

    private static ServiceStatus Service(UnrecoveredDevice[] unrecovered, OrphanedUse[] uses) => new("0.1.0", 1, 16, false, [], unrecovered, uses);
}
