using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Tests.Model;

/// <summary>One unit: at first it holds 0.</summary>
public class AllowedContentTests
{
    private readonly AllowedContent<int> _allowed = new([0]);

    [Fact]
    public void A_write_in_flight_may_be_there_or_not()
    {
        _allowed.BeginWrite(0, [1]);

        AssertAllowed([0, 1], [0, 1]);
    }

    [Fact]
    public void An_acknowledged_one_survives_the_service_but_not_the_power()
    {
        _allowed.Write(0, [1], isAcknowledged: true);

        AssertAllowed(afterService: [1], afterPower: [0, 1]);
    }

    [Fact]
    public void A_failed_one_may_be_there_until_another_one_is_safe()
    {
        _allowed.Write(0, [1], isAcknowledged: false);
        AssertAllowed([0, 1], [0, 1]);

        _allowed.Write(0, [2], isAcknowledged: true);

        AssertAllowed([2], [0, 1, 2]);
    }

    [Fact]
    public void A_flush_makes_the_last_acknowledged_one_safe()
    {
        _allowed.Write(0, [1], isAcknowledged: true);
        _allowed.Write(0, [2], isAcknowledged: true);
        _allowed.EndFlush(_allowed.BeginFlush());
        _allowed.Write(0, [3], isAcknowledged: true);

        AssertAllowed([3], [2, 3]);
    }

    [Fact]
    public void A_write_acknowledged_during_a_flush_is_not_safe_after_it()
    {
        int write = _allowed.BeginWrite(0, [1]);
        long flush = _allowed.BeginFlush();
        _allowed.EndWrite(write, isAcknowledged: true);
        _allowed.EndFlush(flush);

        AssertAllowed([1], [0, 1]);
    }

    [Fact]
    public void Of_two_at_the_same_time_either_may_be_the_last()
    {
        int one = _allowed.BeginWrite(0, [1]);
        int other = _allowed.BeginWrite(0, [2]);
        _allowed.EndWrite(one, isAcknowledged: true);
        _allowed.EndWrite(other, isAcknowledged: true);
        _allowed.EndFlush(_allowed.BeginFlush());

        AssertAllowed([1, 2], [1, 2]);
    }

    [Fact]
    public void A_durable_write_is_safe_without_a_flush()
    {
        int write = _allowed.BeginWrite(0, [1]);
        _allowed.EndWrite(write, isAcknowledged: true, isDurable: true);

        AssertAllowed([1], [1]);
    }

    [Fact]
    public void After_a_loss_of_power_nothing_but_what_was_safe_is_expected_any_more()
    {
        _allowed.Write(0, [1], isAcknowledged: true);
        _allowed.LosePower();

        AssertAllowed([0, 1], [0, 1]);
    }

    [Fact]
    public void What_was_found_is_all_there_is()
    {
        _allowed.Write(0, [1], isAcknowledged: true);
        _allowed.Write(0, [2], isAcknowledged: true);
        _allowed.Settle([1]);

        AssertAllowed([1], [1]);
    }

    [Fact]
    public void The_first_forbidden_unit_is_found()
    {
        var allowed = new AllowedContent<byte>([1, 2, 3]);
        allowed.Write(1, [7, 8], isAcknowledged: true);

        Assert.Equal(-1, allowed.FirstForbidden([1, 7, 8], Death.Service));
        Assert.Equal(-1, allowed.FirstForbidden([1, 2, 8], Death.Power));
        Assert.Equal(2, allowed.FirstForbidden([1, 7, 9], Death.Power));
        Assert.Equal(1, allowed.FirstForbidden([1, 2, 8], Death.Service));
    }

    private void AssertAllowed(int[] afterService, int[] afterPower)
    {
        Assert.Equal(afterService, _allowed.AllowedValues(0, Death.Service));
        Assert.Equal(afterPower, _allowed.AllowedValues(0, Death.Power));
        Assert.False(_allowed.Allows(0, -1, Death.Power));
    }
}
