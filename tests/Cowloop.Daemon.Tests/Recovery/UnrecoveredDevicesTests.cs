using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Daemon.Tests.Support;

namespace Cowloop.Daemon.Tests.Recovery;

public class UnrecoveredDevicesTests
{
    private static readonly CowloopException Reason = new(Errno.EINVAL, "it is gone", "look for it");

    private readonly UnrecoveredDevices _devices = new(new CowloopPaths("/r", "/dev/cow"));

    [Fact]
    public void One_is_shown_with_its_files_the_reason_and_a_command_for_the_shell()
    {
        _devices.Fail(Samples.Device(3), Reason);

        UnrecoveredDevice shown = Assert.Single(_devices.DescribeAll());

        Assert.Equal((3, "/dev/cow/3", "it is gone", "look for it"), (shown.Number, shown.Path, shown.Reason, shown.Hint));
        Assert.Equal(("disk ä.img", "/home/me/disk ä.img"), (shown.Base, shown.BasePath));
        Assert.Equal(("it's my.cow", "/home/me/it's my.cow"), (shown.Cowfile, shown.CowfilePath));
        Assert.Equal(@"cowdev -a '/home/me/disk ä.img' '/home/me/it'\''s my.cow' /dev/cow/3", shown.Command);
    }

    [Fact]
    public void A_cowdevice_as_base_is_named_by_its_node()
    {
        _devices.Fail(Samples.Device(3, lower: 1), Reason);
        Assert.StartsWith("cowdev -a /dev/cow/1p1 ", Assert.Single(_devices.DescribeAll()).Command, StringComparison.Ordinal);
    }

    [Fact]
    public void While_it_is_being_tried_there_is_nothing_to_do_and_it_can_not_be_forgotten()
    {
        _devices.Begin(Samples.Device(3));

        UnrecoveredDevice shown = Assert.Single(_devices.DescribeAll());
        Assert.Equal(("it is being recovered", null, null), (shown.Reason, shown.Hint, shown.Command));
        Assert.Equal(Errno.EBUSY, Assert.Throws<CowloopException>(() => _devices.TryForget(3)).Errno);
        Assert.True(_devices.Has(3));
    }

    [Fact]
    public void While_it_is_being_tried_nobody_else_gets_its_number_or_its_cowfile()
    {
        var same = new AttachRequest("any", "it's my.cow", "/home/me");
        _devices.Begin(Samples.Device(3));
        Assert.Equal(Errno.EBUSY, Assert.Throws<CowloopException>(() => _devices.RefusePending(3)).Errno);
        Assert.Equal(Errno.EBUSY, Assert.Throws<CowloopException>(() => _devices.FindFormer(same)).Errno);
        _devices.RefusePending(2);

        _devices.Fail(Samples.Device(3), Reason);

        _devices.RefusePending(3);
        Assert.Equal(3, _devices.FindFormer(same)?.Number);
    }

    [Fact]
    public void One_that_failed_is_forgotten_when_asked_to()
    {
        _devices.Fail(Samples.Device(3), Reason);

        Assert.False(_devices.TryForget(2));
        Assert.True(_devices.TryForget(3));
        Assert.False(_devices.TryForget(3));
        Assert.False(_devices.Has(3));
    }

    [Theory]
    [InlineData("it's my.cow", "/home/me", 3)]
    [InlineData("/home/me/it's my.cow", "/", 3)]
    [InlineData("../me/./it's my.cow", "/home/me", 3)]
    [InlineData("another.cow", "/home/me", null)]
    [InlineData("it's my.cow", "/home", null)]
    [InlineData("", "/home/me", null)]
    [InlineData("a\0b", "/home/me", null)]
    [InlineData("it's my.cow", "me", null)]
    [InlineData("it's my.cow", "/home\0/me", null)]
    public void It_is_found_by_its_cowfile(string cowfile, string directory, int? number)
    {
        _devices.Fail(Samples.Device(3), Reason);
        Assert.Equal(number, _devices.FindFormer(new AttachRequest("any", cowfile, directory))?.Number);
    }
}
