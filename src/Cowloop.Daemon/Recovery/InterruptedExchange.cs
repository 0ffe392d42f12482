using Cowloop.Core.Format;
using Cowloop.Core.Live;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Daemon.Recovery;

/// <summary>Settles which cowfile a device has whose service was killed amid an exchange of it.</summary>
/// <param name="table">The devices.</param>
internal sealed class InterruptedExchange(DeviceTable table)
{
    private readonly CowfileOpener _cowfiles = new(table);

    /// <summary>Gives a device the one or the other. A snapshot that may have been in use is completed.</summary>
    /// <returns>The device with the cowfile that it has.</returns>
    /// <exception cref="Core.CowloopException">The former cowfile can't be sealed; it can be tried again.</exception>
    public SavedDevice Decide(SavedDevice device)
    {
        if (device.Exchange is not SavedExchange exchange)
        {
            return device;
        }
        if (!exchange.IsDecided(device))
        {
            exchange.RemoveMade();
            return device with { Exchange = null };
        }
        if (exchange.IsSnapshotOf(device))
        {
            if (!LayerFinder.IsSealed(device.CowfilePath))
            {
                Seal(device);
            }
            LiveDirectory.RemoveAll(device.LiveKey);
        }
        return exchange.ApplyTo(device);
    }

    /// <summary>Makes a cowfile clean, with all that was kept for it, and seals it.</summary>
    private void Seal(SavedDevice device)
    {
        using PosixFile file = _cowfiles.Open(device.Cowfile, device.CowfilePath, device.BaseIdentity, device.CowfileIdentity).File;
        using var content = StoredFile.Open(file, device.Cowfile);
        var cowfile = new CheckedFile(content, device.Cowfile);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header = CowfileChecks.ReadHeader(cowfile, headerBlock);
        if (header.Flags.HasFlag(CowFlags.Dirty))
        {
            KeptBits? kept = KeptBitsOpener.Find(file, device.Cowfile, headerBlock, out PosixFile? keptFile);
            using (keptFile)
            {
                _ = Repairer.Run(cowfile, header, new RepairOptions { Modify = true, Kept = kept }, NobodyWatches.Instance);
            }
        }
        _ = Sealer.Run(cowfile);
        ServiceLog.Notice($"cowdevice {device.Number}: {device.CowfilePath} sealed, as the killed service was about to");
    }
}
