using Cowloop.Core;
using Cowloop.Core.DeviceMapper;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>What an import of a device mapper snapshot made.</summary>
/// <param name="ChunkBytes">Size of the store's chunks.</param>
/// <param name="Chunks">Chunks that the store has.</param>
/// <param name="Blocks">Blocks that the cowfile holds.</param>
/// <param name="EqualBlocks">Blocks that were left out, for they are equal to the base.</param>
/// <param name="LosesRest">True when the last sector of the base, which is no whole block, had other content.</param>
internal sealed record DmImportReport(long ChunkBytes, long Chunks, long Blocks, long EqualBlocks, bool LosesRest);

/// <summary>Makes a cowfile of the exception store of a device mapper snapshot, by their names.</summary>
internal static class DmImport
{
    /// <summary>Makes it; it has its name only when it is whole and durable.</summary>
    /// <param name="storeName">The store: a block device, or a file with its content.</param>
    /// <param name="baseName">The origin of the snapshot.</param>
    /// <param name="newName">The cowfile to make.</param>
    /// <param name="kept">What it is kept in; null: what suits the filesystem.</param>
    /// <exception cref="CowloopException">It can't be made; there is nothing of it.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; there is nothing of it.</exception>
    public static DmImportReport Run(string storeName, string baseName, string newName, StoreChoice? kept)
    {
        using var session = new WorkSession();
        using StackOpener origin = StackOpener.Open(baseName, [], Path.GetDirectoryName(Path.GetFullPath(newName)));
        using PosixFile store = BaseOpener.OpenToRead(storeName);
        if (origin.Identities.Any(store.Identity.IsSameAs))
        {
            throw new CowloopException(Errno.EINVAL, $"{storeName} is the base, too", "name the store of the snapshot, and then its origin");
        }
        BaseOpener.RefuseIfInUse(storeName, store.Identity, "take the snapshot down first: dmsetup remove, and losetup -d where there is a loop device");
        using var output = OutputFile.Prepare(newName, [store.Identity, .. origin.Identities], overwrite: false);
        var importer = DmImporter.Prepare(new CheckedFile(store, storeName), origin.Image);
        DmImported result = importer.Run(output.CreateCowfile(origin.Image.Layout, kept), Guid.NewGuid(), session);
        output.Commit();
        return new DmImportReport(importer.ChunkBytes, importer.ExceptionCount, result.Blocks, result.EqualBlocks, result.LosesRest);
    }
}
