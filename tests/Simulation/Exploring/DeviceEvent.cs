using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Exploring;

/// <summary>What the users of the devices know and the disk does not: the marks in the log.</summary>
internal abstract record DeviceEvent
{
    private DeviceEvent()
    {
    }

    /// <summary>Something that happens to one device.</summary>
    /// <param name="Device">Its number.</param>
    public abstract record OfOne(int Device) : DeviceEvent;

    /// <summary>A write, zero or discard is under way.</summary>
    public sealed record WriteBegan(int Device, int Id, int FirstUnit, ulong[] Stamps) : OfOne(Device)
    {
        public override string ToString() => $"device {Device}: change {Id} of {Stamps.Length} units from unit {FirstUnit} begins";
    }

    /// <summary>It has been acknowledged.</summary>
    public sealed record WriteEnded(int Device, int Id, bool IsDurable) : OfOne(Device)
    {
        public override string ToString() => $"device {Device}: change {Id} is acknowledged";
    }

    /// <summary>A flush, or something that is one too, is under way.</summary>
    public sealed record FlushBegan(int Device, int Id) : OfOne(Device)
    {
        public override string ToString() => $"device {Device}: flush {Id} begins";
    }

    /// <summary>It has been acknowledged.</summary>
    public sealed record FlushEnded(int Device, int Id) : OfOne(Device)
    {
        public override string ToString() => $"device {Device}: flush {Id} is acknowledged";
    }

    /// <summary>While nothing is under way the device shows this.</summary>
    public sealed record Seen(int Device, ulong[] Found) : OfOne(Device)
    {
        public override string ToString() => $"device {Device} is read";
    }

    /// <summary>After a death the device is there again, and shows this.</summary>
    public sealed record Recovered(int Device, ulong[] Found, Death Death) : OfOne(Device)
    {
        public override string ToString() => $"device {Device} is recovered after the death of the {Death}";
    }

    /// <summary>From now on there is one more device, which durably holds this.</summary>
    public sealed record DeviceAdded(ulong[] Content) : DeviceEvent
    {
        public override string ToString() => "there is another device";
    }

    /// <summary>From now on the files of all devices are something else.</summary>
    /// <param name="Phases">What they are, device by device.</param>
    public sealed record PhasesBegan(Phase[] Phases) : DeviceEvent
    {
        public override string ToString() => string.Join("; ", Phases.Select((phase, device) => $"device {device}: {phase}"));
    }
}
