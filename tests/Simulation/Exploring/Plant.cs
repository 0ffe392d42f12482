using Cowloop.Core.Devices;
using Cowloop.Core.Files;

namespace Cowloop.Simulation.Exploring;

/// <summary>What a file is to the programs.</summary>
public enum FileRole
{
    Base,
    Cowfile,
    Packed,
    LiveBits,
}

/// <summary>Where a bug is planted.</summary>
/// <param name="Role">What the file is.</param>
/// <param name="Open">Gives the cowfile of the device that has the file, when it is open; else null.</param>
/// <param name="Doing">Tells what is being done.</param>
public sealed record PlantSite(FileRole Role, Func<Cowfile?> Open, Func<OperationKind> Doing);

/// <summary>Plants a bug: puts something between the programs and one of their files that does not do what it is told.</summary>
/// <param name="file">The file, recorded.</param>
/// <param name="site">What it is, and how it is used.</param>
/// <returns>What the programs get.</returns>
public delegate IBlockFile Plant(IBlockFile file, PlantSite site);
