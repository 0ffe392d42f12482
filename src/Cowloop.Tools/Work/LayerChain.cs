using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>A layer below a cowfile, as the one on it names it, and what has become of it.</summary>
/// <param name="Path">Absolute path where it is found; null when it is missing.</param>
/// <param name="Id">Its identity; empty for a plain one.</param>
/// <param name="Generation">The generation that it is to have.</param>
/// <param name="State"><c>found</c>, <c>missing</c>, <c>changed</c>, or <c>unusable</c> when it can't be read.</param>
/// <param name="Sealed">True when it says that it is never written again.</param>
internal sealed record ChainLayer(string? Path, Guid Id, ulong Generation, string State, bool Sealed);

/// <summary>Follows a cowfile down to its base, from layer to layer. Nothing is locked or refused: it is only looked at.</summary>
internal static class LayerChain
{
    /// <summary>The layers below a cowfile, from the one that it lies on downwards, as far as they are found.</summary>
    /// <param name="name">The cowfile.</param>
    /// <param name="record">Its record, or null.</param>
    public static IReadOnlyList<ChainLayer> Below(string name, ExtensionRecord? record)
    {
        var layers = new List<ChainLayer>();
        string childPath = Path.GetFullPath(name);
        // More there cannot be; a file may say anything.
        while (record?.Parent is ParentLink parent && layers.Count < LayerStack.MaxLayers)
        {
            if (LayerFinder.Find(parent, childPath) is not string path)
            {
                layers.Add(new ChainLayer(null, parent.Id, parent.Generation, "missing", Sealed: false));
                break;
            }
            layers.Add(Look(path, parent, record, out record));
            childPath = path;
        }
        return layers;
    }

    private static ChainLayer Look(string path, ParentLink parent, ExtensionRecord upper, out ExtensionRecord? record)
    {
        record = null;
        try
        {
            using StoredFile file = FileOpener.OpenToLook(path);
            byte[] headerBlock = new byte[CowLayout.BlockSize];
            CowHeader header = CowfileChecks.ReadHeader(new CheckedFile(file, path), headerBlock);
            record = CowfileChecks.DecodeRecord(headerBlock, path);
            var layer = new Layer(file, path, CowfileChecks.RequireLayout(header, path), record);
            return new ChainLayer(path, parent.Id, parent.Generation, StateOf(upper, layer), record?.IsSealed == true);
        }
        catch (CowloopException)
        {
            // What is wrong with it is told by cowloop check, and by whoever uses it.
            return new ChainLayer(path, parent.Id, parent.Generation, "unusable", Sealed: false);
        }
    }

    private static string StateOf(ExtensionRecord upper, Layer layer)
    {
        try
        {
            Parentage.Require(upper, "", layer);
            return "found";
        }
        catch (CowloopException)
        {
            return "changed";
        }
    }
}
