using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Fuse;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>
/// Makes a device of a base, layers and a cowfile, in the order of specification 4.4: number, base, then what lies on it. What fails leaves
/// nothing behind.
/// </summary>
/// <param name="table">The devices.</param>
/// <param name="transport">Makes the block devices.</param>
/// <param name="paths">Where the service keeps its things.</param>
/// <param name="tops">Opens what takes the changes.</param>
/// <param name="unrecovered">The devices whose numbers nobody else should get unasked.</param>
/// <param name="dead">The block devices whose filesystems hold no usable files.</param>
internal sealed class DeviceActivation(
    DeviceTable table,
    LoopTransport transport,
    CowloopPaths paths,
    TopOpener tops,
    UnrecoveredDevices unrecovered,
    DeadDevices dead)
{
    private readonly BaseOpener _bases = new(table, paths);
    private readonly LayerOpener _layers = new(table, dead);

    /// <summary>Activates a device under a number of the table; the caller publishes it there.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="former">The device of a killed service that this is to be; its files must be the same. Null for a device of its own.</param>
    /// <param name="warnings">What the user should know.</param>
    /// <exception cref="CowloopException">Refused.</exception>
    public CowDevice Activate(AttachRequest request, SavedDevice? former, out IReadOnlyList<string> warnings)
    {
        StackRequest.Check(request);
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
            string basePath = RequestPath.Resolve(request.Base, request.Directory, "specify name for read-only file");
            OpenedBase opened = About(basePath, () => OpenBase(request, basePath, former));
            CowDevice device;
            try
            {
                device = Activate(number, request, basePath, opened, policy, former);
                warnings = opened.Warnings;
                if (request.Store is null && device.Top is { Files.IsNewCowfile: true, Store.ChunkBytes: not null })
                {
                    warnings = [.. warnings, StoreChoice.WhyCompact(request.Cowfile)];
                }
                if (request.Store?.LimitBytes is long limitBytes && device.Top.Store.LimitBytes != limitBytes)
                {
                    warnings = [.. warnings, LimitStays(request.Cowfile, device.Top.Store.LimitBytes)];
                }
                RepairReport? repaired = device.Top.Repaired;
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

    private CowDevice Activate(int number, AttachRequest request, string basePath, OpenedBase opened, SpacePolicy policy, SavedDevice? former)
    {
        var baseFile = new CountedFile(opened.File);
        var files = new DeviceFiles
        {
            Base = request.Base,
            BasePath = basePath,
            BaseIdentity = opened.Identity,
            BaseNode = opened.LowerNode,
            Mode = StackRequest.ModeOf(request),
        };
        (IReadOnlyList<StackMember> members, StackMember? cowfile) = StackRequest.Resolve(request);
        IReadOnlyList<DeviceLayer> layers = _layers.Open(members, opened.Identity);
        try
        {
            files = files with { Layers = layers, Cowfile = cowfile?.Name ?? "", CowfilePath = cowfile?.Path ?? "" };
            BaseImage? known = table.FindByBase(opened.Identity)?.Top.Below;
            BaseImage below = PutOnBase(new BaseImage(baseFile, request.Base, opened.Hints, known: known), layers, request);
            DeviceTop? top = null;
            try
            {
                top = cowfile is null
                    ? tops.MakeVolatile(files, below, opened.SectorSize, request.Volatile ?? new VolatileRequest(), request.SizeBytes)
                    : About(cowfile.Path, () => tops.Open(number, files, below, opened.SectorSize, new TopOptions
                    {
                        Plain = request.Plain,
                        Repair = request.Repair,
                        AcceptBase = request.AcceptBase,
                        VerifyBase = request.VerifyBase,
                        DeviceBytes = request.SizeBytes,
                        Store = StackRequest.StoreOf(request),
                        Former = former?.CowfileIdentity,
                    }));
                if (files.Mode == DeviceMode.ReadOnly)
                {
                    _ = top.Overlay.Restrict(CowfileAccess.ReadOnly, () => { });
                }
                var disk = new StackDevice(top.Overlay);
                LoopAttachment attachment = transport.Attach(
                    $"cow{number}",
                    LabelOf(number, paths),
                    disk,
                    policy.OnFull.WaitTime,
                    isReadOnly: files.Mode == DeviceMode.ReadOnly);
                return new CowDevice(number, disk, top, baseFile, attachment, opened.Lower, policy);
            }
            catch
            {
                top?.Discard();
                (below.File as LayerStack)?.Dispose();
                throw;
            }
        }
        catch
        {
            LayerOpener.Close(layers);
            throw;
        }
    }

    private static BaseImage PutOnBase(BaseImage image, IReadOnlyList<DeviceLayer> layers, AttachRequest request) => layers.Count == 0
        ? image
        : LayerStack.Open(
            image,
            [.. layers.Select(layer => (layer.Content, layer.Name))],
            new BaseOptions { AcceptBase = request.AcceptBase, VerifyBase = request.VerifyBase },
            words => new NativeWords(words));

    private static string LimitStays(string cowfile, long? limitBytes) =>
        $"cowfile {cowfile} is not new, and {(limitBytes is long bytes ? $"its limit of {HumanSize.Format(bytes)} stays" : "has no limit")}: "
        + $"cowloop grow {ShellWord.ForPath(cowfile)} SIZE sets one";

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
