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

/// <summary>Plants a bug: puts something between the programs and one of their files that does not do what it is told.</summary>
/// <param name="role">What the file is.</param>
/// <param name="file">The file, recorded.</param>
/// <param name="cowfile">Gives what is open; null before that.</param>
/// <returns>What the programs get.</returns>
public delegate IBlockFile Plant(FileRole role, IBlockFile file, Func<Cowfile?> cowfile);
