using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Core.Live;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>Repairs a cowfile by its name: what cowrepair and <c>cowloop repair</c> have in common.</summary>
internal static class CowfileRepair
{
    /// <summary>Repairs the file, or looks what a repair would do.</summary>
    /// <param name="name">The cowfile.</param>
    /// <param name="force">Also when it is not dirty.</param>
    /// <param name="modify">False: the file is opened read-only.</param>
    /// <param name="onCorrection">Hears of every block that gets its bit; or null.</param>
    /// <returns>Null when it is not dirty, and nothing was done.</returns>
    /// <exception cref="CowloopException">It can't be repaired.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the next repair does the rest.</exception>
    public static RepairReport? Run(string name, bool force, bool modify, Action<long>? onCorrection)
    {
        using StoredFile file = modify ? FileOpener.OpenToChange(name) : FileOpener.OpenToRead(name);
        var checkedFile = new CheckedFile(file, name);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header = CowfileChecks.ReadHeader(checkedFile, headerBlock);
        CowfileChecks.RequireKnownVersion(header, name);
        CowfileChecks.RequireUnpacked(header, name);
        if (!force && !header.Flags.HasFlag(CowFlags.Dirty))
        {
            return null;
        }
        KeptBits? kept = KeptBitsOpener.Find(file.File, name, headerBlock, out PosixFile? keptFile);
        using (keptFile)
        {
            using var session = new WorkSession();
            RepairReport report = Repairer.Run(
                checkedFile,
                header,
                new RepairOptions { Modify = modify, OnCorrection = onCorrection, Kept = kept },
                session);
            if (modify)
            {
                LiveDirectory.RemoveAll(LiveDirectory.KeyOf(file.File));
            }
            return report;
        }
    }
}
