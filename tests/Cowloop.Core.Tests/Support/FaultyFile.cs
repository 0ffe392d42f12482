using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

internal enum FaultMoment
{
    BeforeTheCall,
    HalfWay,
    AfterTheCall,
}

/// <summary>What goes wrong: <paramref name="Count"/> calls in a row, starting with call number <paramref name="First"/> (from 1).</summary>
internal sealed record PlannedFault(int First, int Count, Errno Errno, FaultMoment Moment);

/// <summary>Fails chosen calls. An error tells nothing about what was done, so it may come before, half-way or after.</summary>
internal sealed class FaultyFile(IBlockFile inner, PlannedFault fault) : FileDecorator(inner)
{
    private int _callCount;
    private bool _failsAfterwards;

    public bool IsArmed { get; set; } = true;

    public bool HasFired { get; private set; }

    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        Errno errno = base.WriteAt(offsetBytes, source);
        if (errno != Errno.None && fault.Moment == FaultMoment.HalfWay)
        {
            Inner.WriteAt(offsetBytes, source[..(source.Length / 2)]);
        }
        return errno;
    }

    public override Errno Punch(long offsetBytes, long lengthBytes)
    {
        Errno errno = base.Punch(offsetBytes, lengthBytes);
        if (errno != Errno.None && fault.Moment == FaultMoment.HalfWay)
        {
            Inner.Punch(offsetBytes, lengthBytes / 2);
        }
        return errno;
    }

    protected override Errno Before(FileCall call)
    {
        if (!IsArmed)
        {
            return Errno.None;
        }
        _callCount++;
        bool fails = _callCount >= fault.First && _callCount < fault.First + fault.Count;
        HasFired |= fails;
        _failsAfterwards = fails && fault.Moment == FaultMoment.AfterTheCall;
        return fails && !_failsAfterwards ? fault.Errno : Errno.None;
    }

    protected override Errno After(Errno result)
    {
        bool fails = _failsAfterwards;
        _failsAfterwards = false;
        return fails ? fault.Errno : result;
    }
}
