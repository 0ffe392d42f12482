using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Exploring;

namespace Cowloop.Simulation.Tests.Support;

/// <summary>Lets a layer keep its generation while something is merged into it: as if what else lies on it had been forgotten.</summary>
internal sealed class GenerationKeeper(IBlockFile inner, Func<OperationKind> doing) : FileDecorator(inner)
{
    public override Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        if (offsetBytes > 0
            || doing() != OperationKind.MergeInto
            || ExtensionRecord.TryDecode(source, out ExtensionRecord? record) != RecordState.Present
            || record!.Merged is not MergedLayer merged)
        {
            return base.WriteAt(offsetBytes, source);
        }
        byte[] headerBlock = source.ToArray();
        (record with { Generation = merged.FormerGeneration }).Encode(headerBlock);
        return base.WriteAt(offsetBytes, headerBlock);
    }

    protected override Errno Before(FileCall call) => Errno.None;
}
