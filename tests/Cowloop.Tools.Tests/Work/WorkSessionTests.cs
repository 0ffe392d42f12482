using System.Globalization;
using Cowloop.Tests.Support;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Tests.Work;

/// <summary>What a terminal sees of it is for the tests that have one.</summary>
public class WorkSessionTests
{
    [Fact]
    public void Work_goes_on_as_long_as_nobody_interrupts_it()
    {
        using var session = new WorkSession();
        session.Begin("testing", 100);
        for (int part = 0; part < 100; part++)
        {
            session.Advance(1);
        }
    }

    [Fact]
    public void A_signal_ends_the_work_at_its_next_step()
    {
        using var session = new WorkSession();
        session.Begin("testing", 100);
        session.Advance(1);

        Shell.Run("kill", "-HUP", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));

        Assert.True(Poll.TryUntil(() => Record.Exception(() => session.Advance(1)) is OperationCanceledException));
        Assert.Throws<OperationCanceledException>(() => session.Advance(0));
    }
}
