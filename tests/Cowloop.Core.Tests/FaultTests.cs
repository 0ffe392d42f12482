namespace Cowloop.Core.Tests;

public class FaultTests
{
    [Fact]
    public void An_error_that_says_nothing_has_no_fault()
    {
        Assert.Equal(Fault.None, default);
        Assert.Equal(Fault.None, new CowloopException(Errno.EIO, "it cannot be read").Fault);
    }

    [Fact]
    public void Every_fault_is_one_of_its_own()
    {
        Fault[] faults = Enum.GetValues<Fault>();

        Assert.Equal(faults.Length, faults.Distinct().Count());
        Assert.Equal(Enum.GetNames<Fault>().Length, faults.Length);
    }
}
