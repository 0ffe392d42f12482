using Cowloop.Core.Files;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>A file of a world.</summary>
/// <param name="Id">What it is called in the log.</param>
/// <param name="Role">What it is to the programs.</param>
/// <param name="Memory">What it holds now, as the processes see it.</param>
/// <param name="File">What the programs get.</param>
internal readonly record struct WorldFile(int Id, FileRole Role, MemoryFile Memory, IBlockFile File);
