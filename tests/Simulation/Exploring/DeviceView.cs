using Cowloop.Core;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>What is read from a device or a base: the stamp of each unit.</summary>
internal static class DeviceView
{
    public delegate Errno Reader(long offsetBytes, Span<byte> target);

    public static ulong[] Of(Reader read, Geometry geometry)
    {
        ulong[] stamps = new ulong[geometry.UnitCount];
        Span<byte> sector = stackalloc byte[UnsettledFile.SectorBytes];
        for (int unit = 0; unit < stamps.Length; unit++)
        {
            read((long)geometry.SectorOf(unit) * sector.Length, sector).MustBeNone();
            stamps[unit] = Geometry.StampOf(sector);
        }
        return stamps;
    }
}
