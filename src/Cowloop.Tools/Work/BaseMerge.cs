using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>Merges a cowfile into its base, by their names: what cowmerge and <c>cowloop merge</c> have in common.</summary>
internal sealed class BaseMerge : IDisposable
{
    private readonly StoredFile _cowfile;
    private readonly PosixFile _base;
    private readonly Merger _merger;

    private BaseMerge(StoredFile cowfile, PosixFile baseFile, Merger merger)
    {
        _cowfile = cowfile;
        _base = baseFile;
        _merger = merger;
    }

    /// <summary>Blocks to be written into the base.</summary>
    public long BlockCount => _merger.BlockCount;

    /// <summary>Opens both files and verifies that they can be merged; nothing changes.</summary>
    /// <param name="baseName">The base.</param>
    /// <param name="cowfileName">The cowfile.</param>
    /// <param name="resume">Accept a base on which the merge was interrupted.</param>
    /// <param name="writable">False: both are only read, and <see cref="Run"/> is not to follow.</param>
    /// <param name="onBase">Hears that the cowfile is good and the base comes next; for messages.</param>
    /// <exception cref="CowloopException">They can't be merged.</exception>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    public static BaseMerge Prepare(string baseName, string cowfileName, bool resume, bool writable, Action onBase)
    {
        StoredFile cowfile = FileOpener.OpenToRead(cowfileName);
        PosixFile? baseFile = null;
        try
        {
            var source = new CheckedFile(cowfile, cowfileName);
            CowHeader header = CowfileChecks.ReadHeader(source, new byte[CowLayout.BlockSize]);
            CowfileChecks.RequireKnownVersion(header, cowfileName);
            CowfileChecks.RequireUnpacked(header, cowfileName);
            CowfileChecks.RequireClean(header, cowfileName);
            CowfileChecks.RequireBitmap(source, CowfileChecks.RequireLayout(header, cowfileName));
            onBase();
            if (FileIdentity.TryGet(baseName, out FileIdentity identity) == Errno.None && identity.IsSameAs(cowfile.Identity))
            {
                throw new CowloopException(Errno.EINVAL, $"{baseName} and {cowfileName} are the same file", "name the rdofile first, then the cowfile");
            }
            baseFile = BaseOpener.OpenToMerge(baseName, writable);
            using var session = new WorkSession();
            var merger = Merger.Prepare(source, header, new CheckedFile(baseFile, baseName), resume, session);
            return new BaseMerge(cowfile, baseFile, merger);
        }
        catch
        {
            baseFile?.Dispose();
            cowfile.Dispose();
            throw;
        }
    }

    /// <summary>Merges; the base is durable on return.</summary>
    /// <exception cref="CowloopException">The base is updated in part; resuming finishes it.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; resuming finishes it.</exception>
    public void Run()
    {
        using var session = new WorkSession();
        _merger.Run(session);
    }

    public void Dispose()
    {
        _base.Dispose();
        _cowfile.Dispose();
    }
}
