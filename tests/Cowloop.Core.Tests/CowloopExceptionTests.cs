namespace Cowloop.Core.Tests;

public class CowloopExceptionTests
{
    [Fact]
    public void Carries_number_reason_and_hint()
    {
        var exception = new CowloopException(Errno.EBUSY, "my.cow is in use", "detach it first");

        Assert.Equal((Errno.EBUSY, "my.cow is in use", "detach it first"), (exception.Errno, exception.Message, exception.Hint));
    }

    [Fact]
    public void Can_say_which_file_it_is_about()
    {
        CowloopException exception = new CowloopException(Errno.EBUSY, "my.cow is in use", "detach it first").About("/data/my.cow");

        Assert.Equal("/data/my.cow", exception.Path);
        Assert.Equal((Errno.EBUSY, "my.cow is in use", "detach it first"), (exception.Errno, exception.Message, exception.Hint));
    }

    [Fact]
    public void Keeps_its_fault_when_it_is_told_the_file()
    {
        CowloopException exception = new CowloopException(Errno.None, "my.cow is incomplete") { Fault = Fault.ReadBitmap }.About("/data/my.cow");

        Assert.Equal(Fault.ReadBitmap, exception.Fault);
    }
}
