using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

internal enum FaultMoment
{
    BeforeTheCall,
    HalfWay,
    AfterTheCall,
}

/// <summary>What goes wrong: <paramref name="Count"/> calls in a row, starting with call number <paramref name="First"/> (from 1).</summary>
internal sealed record PlannedFault(int First, int Count, Errno Errno, FaultMoment Moment)
{
    /// <summary>Long enough for all calls that follow.</summary>
    public const int ForGood = int.MaxValue / 2;
}

/// <summary>
/// Fails chosen calls. An error tells nothing about what was done, so it may come before, half-way or after: a short transfer is one that ends half-way. A
/// sector lands as a whole, and a length is one number.
/// </summary>
internal sealed class FaultyFile(IBlockFile inner, PlannedFault fault) : FileDecorator(inner)
{
    private const int SectorBytes = 512;

    private int _callCount;
    private bool _failsAfterwards;

    public bool IsArmed { get; set; } = true;

    public bool HasFired { get; private set; }

    /// <summary>True when one of the calls that failed was a sync.</summary>
    public bool HasFailedSync { get; private set; }

    public override Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        Errno errno = base.ReadAt(offsetBytes, target);
        if (IsHalfWay(errno))
        {
            Inner.ReadAt(offsetBytes, target[..(int)HalfOf(offsetBytes, target.Length)]);
        }
        return errno;
    }

    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        Errno errno = base.WriteAt(offsetBytes, source);
        if (IsHalfWay(errno))
        {
            Inner.WriteAt(offsetBytes, source[..(int)HalfOf(offsetBytes, source.Length)]);
        }
        return errno;
    }

    public override Errno Punch(long offsetBytes, long lengthBytes)
    {
        Errno errno = base.Punch(offsetBytes, lengthBytes);
        if (IsHalfWay(errno))
        {
            Inner.Punch(offsetBytes, HalfOf(offsetBytes, lengthBytes));
        }
        return errno;
    }

    public override Errno Allocate(long offsetBytes, long lengthBytes)
    {
        Errno errno = base.Allocate(offsetBytes, lengthBytes);
        if (IsHalfWay(errno))
        {
            Inner.Allocate(offsetBytes, HalfOf(offsetBytes, lengthBytes));
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
        bool fails = _callCount >= fault.First && _callCount - fault.First < fault.Count;
        HasFired |= fails;
        HasFailedSync |= fails && call.Op == FileOp.Sync;
        _failsAfterwards = fails && fault.Moment == FaultMoment.AfterTheCall;
        return fails && !_failsAfterwards ? fault.Errno : Errno.None;
    }

    protected override Errno After(Errno result)
    {
        bool fails = _failsAfterwards;
        _failsAfterwards = false;
        return fails ? fault.Errno : result;
    }

    private static long HalfOf(long offsetBytes, long lengthBytes) =>
        Math.Max(0, (offsetBytes + lengthBytes / 2) / SectorBytes * SectorBytes - offsetBytes);

    private bool IsHalfWay(Errno errno) => errno != Errno.None && errno == fault.Errno && fault.Moment == FaultMoment.HalfWay;
}
