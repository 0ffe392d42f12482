using Cowloop.Core.Files;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>Writes of a chunk of zeros that is written to again, at once, that it holds data: as if its zeros were in the chunk durably already.</summary>
internal sealed class FillingForgetter(IBlockFile inner) : TablePlant(inner)
{
    private const uint Data = 0;
    private const uint Filling = 2;

    protected override void Change(long deviceChunk, ref uint state, ref ulong bits) => state = state == Filling ? Data : state;
}
