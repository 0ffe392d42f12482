using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Exploring;

/// <summary>What the user of a device knows and the disk does not: the marks in the log.</summary>
internal abstract record DeviceEvent
{
    private DeviceEvent()
    {
    }

    /// <summary>A write, zero or discard is under way.</summary>
    public sealed record WriteBegan(int Id, int FirstUnit, ulong[] Stamps) : DeviceEvent
    {
        public override string ToString() => $"change {Id} of {Stamps.Length} units from unit {FirstUnit} begins";
    }

    /// <summary>It has been acknowledged.</summary>
    public sealed record WriteEnded(int Id, bool IsDurable) : DeviceEvent
    {
        public override string ToString() => $"change {Id} is acknowledged";
    }

    /// <summary>A flush, or something that is one too, is under way.</summary>
    public sealed record FlushBegan(int Id) : DeviceEvent
    {
        public override string ToString() => $"flush {Id} begins";
    }

    /// <summary>It has been acknowledged.</summary>
    public sealed record FlushEnded(int Id) : DeviceEvent
    {
        public override string ToString() => $"flush {Id} is acknowledged";
    }

    /// <summary>While nothing is under way the device shows this.</summary>
    public sealed record Seen(ulong[] Found) : DeviceEvent
    {
        public override string ToString() => "the device is read";
    }

    /// <summary>After a death the device is there again, and shows this.</summary>
    public sealed record Recovered(ulong[] Found, Death Death) : DeviceEvent
    {
        public override string ToString() => $"recovered after the death of the {Death}";
    }

    /// <summary>From now on the files are something else.</summary>
    public sealed record PhaseBegan(Phase Phase) : DeviceEvent
    {
        public override string ToString() => $"{Phase}";
    }
}
