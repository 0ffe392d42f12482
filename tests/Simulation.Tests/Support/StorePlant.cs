using Cowloop.Core.Compact;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Exploring;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>What a place in a compact store is.</summary>
internal enum StoreArea
{
    Header,
    ZeroMap,
    Table,
    Data,
}

/// <summary>A bug in how a compact store is written: it sees what is written where.</summary>
internal abstract class StorePlant(IBlockFile inner) : FileDecorator(inner)
{
    private static readonly CompactLayout Layout = new(new CowLayout(Geometry.Compact.BlockCount), Geometry.Compact.ChunkBytes!.Value);

    /// <summary>What a place is in a store of <see cref="Geometry.Compact"/>, which has one group.</summary>
    protected static StoreArea AreaOf(long offsetBytes) => offsetBytes switch
    {
        < CompactLayout.ZeroMapOffsetBytes => StoreArea.Header,
        _ when offsetBytes < Layout.TableOffsetBytes(0) => StoreArea.ZeroMap,
        _ when offsetBytes < Layout.TableEndBytes(0) => StoreArea.Table,
        _ => StoreArea.Data,
    };

    protected override Core.Errno Before(FileCall call) => Core.Errno.None;
}
