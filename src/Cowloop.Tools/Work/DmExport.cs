using Cowloop.Core;
using Cowloop.Core.DeviceMapper;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>What an export to device mapper made.</summary>
/// <param name="ChunkBytes">Size of the store's chunks.</param>
/// <param name="Chunks">Changed chunks in it.</param>
/// <param name="Sectors">Size of the snapshot in sectors of 512 bytes.</param>
/// <param name="LengthBytes">Length of the store.</param>
/// <param name="FreeChunks">How many more chunks can change before it is full; enough for all when it can't run full.</param>
/// <param name="CanRunFull">True when the store has no room for a change of every chunk.</param>
/// <param name="IsStoreDevice">True when the store is a block device.</param>
/// <param name="IsBaseDevice">True when the base is a block device.</param>
internal sealed record DmExportReport(
    long ChunkBytes,
    long Chunks,
    long Sectors,
    long LengthBytes,
    long FreeChunks,
    bool CanRunFull,
    bool IsStoreDevice,
    bool IsBaseDevice);

/// <summary>Makes an exception store for device mapper's snapshot target of a cowfile, by their names.</summary>
/// <param name="baseName">The base.</param>
/// <param name="cowfiles">The cowfiles on it, bottom to top; those that the lowest one lies on are found.</param>
/// <param name="storeName">The store: a file to make, or a block device.</param>
/// <param name="chunkBytes">Size of its chunks.</param>
/// <param name="overwrite">Replace a file that exists, or overwrite a block device that holds something.</param>
internal sealed class DmExport(string baseName, IReadOnlyList<string> cowfiles, string storeName, long chunkBytes, bool overwrite)
{
    // Whatever a device holds that programs recognise has something there.
    private const int LookedAtBytes = 1 << 20;

    /// <summary>Makes it. A file has its name only when it is whole and durable; a device holds until then what the kernel refuses.</summary>
    /// <exception cref="CowloopException">It can't be made.</exception>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    public DmExportReport Run()
    {
        using var session = new WorkSession();
        RefuseCompressedBase();
        using StackOpener stack = StackOpener.Open(baseName, cowfiles);
        using var exporter = DmExporter.Prepare(stack.Image, stack.Layers, chunkBytes, words => new NativeWords(words));
        bool isDevice = FileIdentity.TryGet(storeName, out FileIdentity identity) == Errno.None && identity.Kind == FileKind.BlockDevice;
        long lengthBytes = isDevice ? WriteToDevice(exporter, stack, session) : WriteToFile(exporter, stack, session);
        return new DmExportReport(
            exporter.ChunkBytes,
            exporter.ExceptionCount,
            exporter.SectorCount,
            lengthBytes,
            (lengthBytes - exporter.NeededBytes) / exporter.ChunkBytes,
            lengthBytes < exporter.FullBytes,
            isDevice,
            stack.Identities[0].Kind == FileKind.BlockDevice);
    }

    private long WriteToFile(DmExporter exporter, StackOpener stack, WorkSession session)
    {
        using var output = OutputFile.Prepare(storeName, stack.Identities, overwrite);
        CheckedFile store = output.Create();
        exporter.Run(store, isNew: true, session);
        output.Commit();
        return store.LengthBytes;
    }

    private long WriteToDevice(DmExporter exporter, StackOpener stack, WorkSession session)
    {
        Errno errno = PosixFile.TryOpenReadWrite(storeName, out PosixFile? file);
        using PosixFile device = file ?? throw new CowloopException(errno, $"{storeName} cannot be opened for reading and writing: {errno.Text()}");
        if (stack.Shares(device.Identity, storeName))
        {
            throw new CowloopException(Errno.EINVAL, $"{storeName} leads to what is to be read, which would be lost", "name another device for the result");
        }
        BaseOpener.RefuseIfInUse(storeName, device.Identity, "all that it holds would be lost; name another device, or end that use first");
        if (device.TryLock(exclusive: true) == Errno.EAGAIN)
        {
            throw FileOpener.InUse(storeName, device.Identity);
        }
        var store = new CheckedFile(device, storeName);
        if (!overwrite)
        {
            RequireBlank(store);
        }
        exporter.Run(store, isNew: false, session);
        return store.LengthBytes;
    }

    private void RefuseCompressedBase()
    {
        using PosixFile file = BaseOpener.OpenToLook(baseName);
        BaseOpener.RefuseCompressed(baseName, file, "which device mapper can't read", "decompress it, and name that as the base");
    }

    private static void RequireBlank(CheckedFile device)
    {
        byte[] part = new byte[Math.Min(LookedAtBytes, device.LengthBytes)];
        foreach (long offsetBytes in new[] { 0, device.LengthBytes - part.Length })
        {
            device.Read(offsetBytes, part, Fault.ReadData);
            if (part.AsSpan().ContainsAnyExcept((byte)0))
            {
                string name = ShellWord.ForPath(device.Name);
                throw new CowloopException(
                    Errno.EEXIST,
                    $"{device.Name} is not blank",
                    $"wipefs -n {name} or blkid -p {name} may tell what it holds; overwrite it with --force");
            }
        }
    }
}
