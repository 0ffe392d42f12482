using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Live;
using Cowloop.Core.Maintenance;
using Cowloop.Fuse;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>
/// Makes a device of a base and a cowfile, in the order of specification 4.4: number, base, cowfile. What fails leaves
/// nothing behind.
/// </summary>
/// <param name="table">The devices.</param>
/// <param name="transport">Makes the block devices.</param>
/// <param name="paths">Where the service keeps its things.</param>
/// <param name="live">Where live bits are kept; null when they can't be.</param>
/// <param name="unrecovered">The devices whose numbers nobody else should get unasked.</param>
/// <param name="dead">The block devices whose filesystems hold no usable files.</param>
internal sealed class DeviceActivation(
    DeviceTable table,
    LoopTransport transport,
    CowloopPaths paths,
    LiveDirectory? live,
    UnrecoveredDevices unrecovered,
    DeadDevices dead)
{
    private readonly BaseOpener _bases = new(table, paths);
    private readonly CowfileOpener _cowfiles = new(table);

    /// <summary>Activates a device under a number of the table; the caller publishes it there.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="former">The device of a killed service that this is to be; its files must be the same. Null for a device of its own.</param>
    /// <param name="warnings">What the user should know.</param>
    /// <exception cref="CowloopException">Refused.</exception>
    public CowDevice Activate(AttachRequest request, SavedDevice? former, out IReadOnlyList<string> warnings)
    {
        SpacePolicy policy = SpacePolicy.Standard.With(request.Settings);
        // One that is recovered goes on with a hook that has been taken away meanwhile: its data is worth more.
        if (former is null)
        {
            SpacePolicy.RequireHook(policy.Hook);
        }
        int number = table.Reserve(request.Number, unrecovered.Has);
        try
        {
            if (former is null)
            {
                unrecovered.RefusePending(number);
            }
            string basePath = Resolve(request.Base, request.Directory, "specify name for read-only file");
            OpenedBase opened = About(basePath, () => OpenBase(request, basePath, former));
            CowDevice device;
            try
            {
                device = Activate(number, request, basePath, opened, policy, former, out RepairReport? repaired);
                warnings = opened.Warnings;
                if (repaired is not null && request.Repair)
                {
                    warnings = [.. warnings, Describe(request.Cowfile, repaired)];
                }
                else if (repaired is not null)
                {
                    // Nothing was guessed and nothing promised is missing: nobody has to know.
                    ServiceLog.Notice(Describe(request.Cowfile, repaired));
                }
            }
            catch
            {
                opened.Dispose();
                throw;
            }
            return device;
        }
        catch
        {
            table.Release(number);
            throw;
        }
    }

    private OpenedBase OpenBase(AttachRequest request, string path, SavedDevice? former)
    {
        dead.RefuseFileOn($"rdofile {request.Base}", path);
        OpenedBase opened = _bases.Open(request.Base, path, request.AcceptBase);
        if (former is null || former.IsBase(opened))
        {
            return opened;
        }
        opened.Dispose();
        throw former.BaseNode is null
            ? new CowloopException(Errno.EINVAL, $"rdofile {request.Base} is another file than before", "move the former one back, if there is still one")
            : new CowloopException(
                Errno.EINVAL,
                $"cowdevice {request.Base} may hold something else than before",
                "make sure that nothing has been written to it since the service was killed");
    }

    private CowDevice Activate(
        int number,
        AttachRequest request,
        string basePath,
        OpenedBase opened,
        SpacePolicy policy,
        SavedDevice? former,
        out RepairReport? repaired)
    {
        var baseFile = new CountedFile(opened.File);
        string cowfilePath = Resolve(request.Cowfile, request.Directory, "specify name of copy-on-write file");
        string basePathHint = Path.GetRelativePath(Path.GetDirectoryName(cowfilePath)!, basePath);
        var image = new BaseImage(baseFile, request.Base, opened.Hints, basePathHint);
        OpenedCowfile store = About(cowfilePath, () =>
        {
            dead.RefuseFileOn($"cowfile {request.Cowfile}", cowfilePath);
            return _cowfiles.Open(request.Cowfile, cowfilePath, opened.Identity, former?.CowfileIdentity);
        });
        try
        {
            var storeFile = new CountedFile(store.File);
            Cowfile cowfile = About(cowfilePath, () => OpenCowfile(store.File, storeFile, request, image));
            repaired = cowfile.Repaired;
            LiveKey liveKey = LiveDirectory.KeyOf(store.File);
            var liveBits = new DeviceLiveBits(live, liveKey);
            var overlay = new Overlay(
                baseFile,
                cowfile,
                opened.SectorSize,
                liveBits.Bits,
                errno => ReportFailure(number, cowfilePath, errno));
            LoopAttachment attachment = AttachOrDispose(number, overlay, liveBits, policy);
            var files = new DeviceFiles(
                request.Base,
                basePath,
                opened.Identity,
                request.Cowfile,
                cowfilePath,
                store.File.Identity,
                store.IsNew,
                store.IsOnCowdevice,
                opened.LowerNode,
                liveKey);
            return new CowDevice(number, files, overlay, baseFile, storeFile, store.File, liveBits, attachment, opened.Lower, policy);
        }
        catch
        {
            CowfileOpener.Discard(store, cowfilePath);
            throw;
        }
    }

    private static Cowfile OpenCowfile(PosixFile opening, CountedFile file, AttachRequest request, BaseImage image)
    {
        PosixFile? keptFile = null;
        try
        {
            return Cowfile.Open(file, request.Cowfile, image, new CowfileOptions
            {
                AllocateZeroedWords = words => new NativeWords(words),
                NewId = request.Plain ? null : Guid.NewGuid(),
                Repair = request.Repair,
                AcceptBase = request.AcceptBase,
                VerifyBase = request.VerifyBase,
                FindKeptBits = header => KeptBitsOpener.Find(opening, request.Cowfile, header.Span, out keptFile),
            });
        }
        finally
        {
            keptFile?.Dispose();
        }
    }

    /// <summary>On another thread: a log can block, and who made the sync has writers waiting.</summary>
    private static void ReportFailure(int number, string cowfilePath, Errno errno) => ThreadPool.QueueUserWorkItem(_ => ServiceLog.Error(
        $"cowdevice {number} takes no more changes: cowfile {cowfilePath} could not be made durable: {errno.Text()}; "
        + $"what was flushed before is kept; deactivate it, then run: cowrepair {ShellWord.ForPath(cowfilePath)}"));

    private static string Describe(string cowfile, RepairReport repaired) =>
        $"cowfile {cowfile} was dirty and has been repaired: {repaired.Corrections} blocks added to its bitmap"
        + (repaired.RemovedBlocks > 0 ? $", {repaired.RemovedBlocks} of unfinished writes removed" : "")
        + $", {repaired.UsedBlocks} in all";

    /// <summary>
    /// What a loop device says of itself: also whose it is, so that a service clears only what its own predecessor has left. A path would not do: in a
    /// container it is another directory's, and the kernel cuts a long one.
    /// </summary>
    public static string LabelOf(int number, CowloopPaths paths) => FileIdentity.TryGet(paths.RunDirectory, out FileIdentity owner) == Errno.None
        ? $"cow{number} {owner.Tag}"
        : $"cow{number}";

    private LoopAttachment AttachOrDispose(int number, Overlay overlay, DeviceLiveBits liveBits, SpacePolicy policy)
    {
        try
        {
            return transport.Attach($"cow{number}", LabelOf(number, paths), overlay, policy.OnFull.WaitTime);
        }
        catch
        {
            liveBits.Discard();
            overlay.Dispose();
            throw;
        }
    }

    private static string Resolve(string name, string directory, string whenEmpty)
    {
        if (name.Length == 0)
        {
            throw new CowloopException(Errno.EINVAL, whenEmpty);
        }
        RequestPath.Check(name);
        RequestPath.Check(directory);
        return Path.IsPathFullyQualified(directory)
            ? Path.GetFullPath(name, directory)
            : throw new CowloopException(Errno.EINVAL, $"the directory '{directory}' is not an absolute path");
    }

    private static T About<T>(string path, Func<T> step)
    {
        try
        {
            return step();
        }
        catch (CowloopException exception) when (exception.Path is null)
        {
            throw exception.About(path);
        }
    }
}
