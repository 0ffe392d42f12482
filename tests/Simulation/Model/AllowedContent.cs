namespace Cowloop.Simulation.Model;

/// <summary>
/// What may be read after a death: of each unit the value last made safe, or one of a later write, acknowledged or in flight. After the death of the service
/// a write is safe when it is acknowledged; after a loss of power when a flush has ended that began after it was acknowledged.
/// </summary>
/// <remarks>
/// Writes may overlap in time. A write is out of date once another one is safe that began after it had ended; while neither is before the
/// other, both may be read.
/// </remarks>
/// <typeparam name="T">Value of a unit: a byte, or what stands for the content of a sector.</typeparam>
/// <param name="content">What is there at the start, and safe.</param>
public sealed class AllowedContent<T>(ReadOnlySpan<T> content)
    where T : struct, IEquatable<T>
{
    private readonly T[] _start = content.ToArray();
    private readonly List<Written> _writes = [];
    private long _now;

    /// <summary>Number of units.</summary>
    public int Length => _start.Length;

    /// <summary>A write begins: from now on it may be read.</summary>
    /// <returns>What <see cref="EndWrite"/> wants to know.</returns>
    public int BeginWrite(int firstUnit, ReadOnlySpan<T> values)
    {
        _writes.Add(new Written(firstUnit, values.ToArray(), _now++));
        return _writes.Count - 1;
    }

    /// <summary>The write ends.</summary>
    /// <param name="write">Which one.</param>
    /// <param name="isAcknowledged">False: it failed, and may have been done in part.</param>
    /// <param name="isDurable">True: it is safe from a loss of power too.</param>
    public void EndWrite(int write, bool isAcknowledged, bool isDurable = false)
    {
        _writes[write].EndedAt = _now++;
        _writes[write].IsAcknowledged = isAcknowledged;
        _writes[write].IsDurable = isAcknowledged && isDurable;
    }

    /// <summary>A write from its beginning to its end.</summary>
    public void Write(int firstUnit, ReadOnlySpan<T> values, bool isAcknowledged) => EndWrite(BeginWrite(firstUnit, values), isAcknowledged);

    /// <summary>A flush begins.</summary>
    /// <returns>What <see cref="EndFlush"/> wants to know.</returns>
    public long BeginFlush() => _now++;

    /// <summary>The flush has succeeded: all that was acknowledged before it began is safe.</summary>
    public void EndFlush(long flush)
    {
        foreach (Written write in _writes)
        {
            write.IsDurable |= write.IsAcknowledged && write.EndedAt < flush;
        }
        _now++;
    }

    /// <summary>The power has failed: what was not safe from that is in doubt until it is known what is there, whatever happens next.</summary>
    public void LosePower()
    {
        foreach (Written write in _writes)
        {
            write.IsAcknowledged = write.IsDurable;
        }
    }

    /// <summary>What was found after a death, and is safe by now.</summary>
    public void Settle(ReadOnlySpan<T> found)
    {
        found.CopyTo(_start);
        _writes.Clear();
    }

    /// <summary>Says whether a value may be read.</summary>
    public bool Allows(int unit, T value, Death death)
    {
        // Latest first: so the first safe write met is the one that puts most others out of date.
        long safeSince = -1;
        for (int index = _writes.Count - 1; index >= 0; index--)
        {
            Written write = _writes[index];
            if (!write.Covers(unit) || write.EndedAt < safeSince)
            {
                continue;
            }
            if (write.ValueOf(unit).Equals(value))
            {
                return true;
            }
            if (safeSince < 0 && (death == Death.Power ? write.IsDurable : write.IsAcknowledged))
            {
                safeSince = write.BeganAt;
            }
        }
        return safeSince < 0 && _start[unit].Equals(value);
    }

    /// <summary>Finds the first unit that has a value it may not have.</summary>
    /// <returns>-1 when there is none.</returns>
    public int FirstForbidden(ReadOnlySpan<T> found, Death death)
    {
        for (int unit = 0; unit < found.Length; unit++)
        {
            if (!Allows(unit, found[unit], death))
            {
                return unit;
            }
        }
        return -1;
    }

    /// <summary>Lists what may be read, for messages.</summary>
    public IReadOnlyList<T> AllowedValues(int unit, Death death)
    {
        var values = new List<T> { _start[unit] };
        foreach (Written write in _writes)
        {
            if (write.Covers(unit))
            {
                values.Add(write.ValueOf(unit));
            }
        }
        return [.. values.Distinct().Where(value => Allows(unit, value, death))];
    }

    private sealed class Written(int firstUnit, T[] values, long beganAt)
    {
        public long BeganAt { get; } = beganAt;

        public long EndedAt { get; set; } = long.MaxValue;

        public bool IsAcknowledged { get; set; }

        public bool IsDurable { get; set; }

        public bool Covers(int unit) => (uint)(unit - firstUnit) < (uint)values.Length;

        public T ValueOf(int unit) => values[unit - firstUnit];
    }
}
