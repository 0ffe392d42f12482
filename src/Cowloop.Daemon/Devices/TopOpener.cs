using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Live;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>How a cowfile is opened for a device.</summary>
internal sealed record TopOptions
{
    /// <summary>Make a new cowfile as the original would.</summary>
    public bool Plain { get; init; }

    /// <summary>Repair a dirty one.</summary>
    public bool Repair { get; init; }

    /// <summary>Take a base that has changed.</summary>
    public bool AcceptBase { get; init; }

    /// <summary>Read all of the base.</summary>
    public bool VerifyBase { get; init; }

    /// <summary>Size of the device of a new one, when it is to be larger than what lies below.</summary>
    public long? DeviceBytes { get; init; }

    /// <summary>Which file it must be, and then none is created; null for any.</summary>
    public FileIdentity? Former { get; init; }

    /// <summary>What a new one is kept in; null: what suits the filesystem.</summary>
    public StoreChoice? Store { get; init; }

    /// <summary>True when it must not exist yet.</summary>
    public bool MustBeNew { get; init; }
}

/// <summary>Opens or makes what takes the changes of a device.</summary>
/// <param name="table">The devices.</param>
/// <param name="live">Where live bits are kept; null when they can't be.</param>
/// <param name="dead">The block devices whose filesystems hold no usable files.</param>
internal sealed class TopOpener(DeviceTable table, LiveDirectory? live, DeadDevices dead)
{
    private readonly CowfileOpener _cowfiles = new(table);
    private readonly CowfilePlacement _placement = new(table);

    /// <summary>Opens a cowfile, or makes it.</summary>
    /// <param name="number">Number of the device.</param>
    /// <param name="files">The device's files; the cowfile's name and path are in them, the rest is filled in.</param>
    /// <param name="below">What it lies on.</param>
    /// <param name="sectorSize">Logical sector size of the device.</param>
    /// <param name="options">How.</param>
    /// <exception cref="CowloopException">It can't be used; nothing is left behind.</exception>
    public DeviceTop Open(int number, DeviceFiles files, BaseImage below, int sectorSize, TopOptions options)
    {
        dead.RefuseFileOn($"cowfile {files.Cowfile}", files.CowfilePath);
        OpenedCowfile store = _cowfiles.Open(files.Cowfile, files.CowfilePath, files.BaseIdentity, options.Former);
        bool wasEmpty = store.File.LengthBytes == 0;
        try
        {
            if (options.MustBeNew && !store.IsNew)
            {
                throw new CowloopException(Errno.EEXIST, $"cowfile {files.Cowfile} exists already", "name a file that does not exist yet");
            }
            below = below.SeenFrom(Path.GetRelativePath(Path.GetDirectoryName(files.CowfilePath)!, files.BasePath));
            StoredFile content = OpenStore(store, files, below, options);
            var counted = new CountedFile(content);
            Cowfile cowfile = OpenCowfile(store.File, counted, files, below, options);
            LiveKey liveKey = LiveDirectory.KeyOf(store.File);
            var liveBits = new DeviceLiveBits(live, liveKey);
            files = files with
            {
                CowfileIdentity = store.File.Identity,
                IsNewCowfile = store.IsNew,
                IsCowfileOnCowdevice = store.IsOnCowdevice,
                LiveKey = liveKey,
            };
            string path = files.CowfilePath;
            var overlay = new Overlay(below.File, cowfile, sectorSize, liveBits.Bits, errno => ReportFailure(number, path, errno));
            return new DeviceTop(files, below, overlay, content, counted, liveBits, cowfile.Repaired);
        }
        catch
        {
            if (wasEmpty)
            {
                // What was made in it came to no use.
                _ = store.File.SetLength(0);
            }
            CowfileOpener.Discard(store, files.CowfilePath);
            throw;
        }
    }

    /// <summary>Makes a file without a name that takes the changes, as long as the device is active.</summary>
    /// <param name="files">The device's files.</param>
    /// <param name="below">What it lies on.</param>
    /// <param name="sectorSize">Logical sector size of the device.</param>
    /// <param name="wanted">Where, and how much it may take.</param>
    /// <param name="deviceBytes">Size of the device, when it is to be larger than what lies below; or null.</param>
    /// <exception cref="CowloopException">There can't be one.</exception>
    public DeviceTop MakeVolatile(DeviceFiles files, BaseImage below, int sectorSize, VolatileRequest wanted, long? deviceBytes)
    {
        PosixFile file = CreateUnnamed(wanted.Directory, files.BaseIdentity);
        try
        {
            var stored = StoredFile.Open(file, "of volatile changes");
            var counted = new CountedFile(wanted.LimitBytes is long limitBytes ? new CappedFile(file, limitBytes) : stored);
            var cowfile = Cowfile.CreateVolatile(counted, "of volatile changes", below, new CowfileOptions
            {
                AllocateZeroedWords = words => new NativeWords(words),
                DeviceBytes = deviceBytes,
            });
            files = files with { CowfileIdentity = file.Identity, LiveKey = new LiveKey(HostProcess.BootId(), 0, 0) };
            return new DeviceTop(files, below, new Overlay(below.File, cowfile, sectorSize), stored, counted, null, Volatile: wanted);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private PosixFile CreateUnnamed(string? directory, FileIdentity baseIdentity)
    {
        if (directory is null)
        {
            Errno error = PosixFile.TryCreateInMemory("cowloop", out PosixFile? memory);
            return memory ?? throw new CowloopException(error, $"no memory for volatile changes: {error.Text()}", "keep them in a file: --in DIR");
        }
        dead.RefuseFileOn($"directory {directory}", directory);
        _placement.Check($"of volatile changes in {directory}", Path.Combine(directory, "x"), baseIdentity);
        Errno errno = PosixFile.TryCreateUnnamed(directory, out PosixFile? file);
        return file ?? throw new CowloopException(
            errno,
            $"no file for volatile changes can be made in {directory}: {errno.Text()}",
            errno == Errno.EOPNOTSUPP ? "its filesystem knows no files without a name; take another directory" : "name a directory that exists")
        {
            Path = directory,
        };
    }

    /// <summary>What the file holds, or is to hold when it is new.</summary>
    private static StoredFile OpenStore(OpenedCowfile store, DeviceFiles files, BaseImage below, TopOptions options)
    {
        StoreChoice? choice = options.Store ?? (options.Plain ? StoreChoice.Classic : null);
        if (store.File.LengthBytes > 0)
        {
            StoredFile found = StoredFile.Open(store.File, files.Cowfile);
            if (found.LengthBytes > 0 || found.Compact is null)
            {
                return found;
            }
            // A store that was made for a cowfile, and never got one.
            choice = StoreChoice.Like(found);
            found.Compact.Detach();
        }
        choice ??= StoreChoice.For(store.File);
        return choice.Make(store.File, files.Cowfile, Cowfile.LayoutOfNew(below, OptionsFor(files, options)));
    }

    private static Cowfile OpenCowfile(PosixFile opening, CountedFile file, DeviceFiles files, BaseImage below, TopOptions options)
    {
        PosixFile? keptFile = null;
        try
        {
            return Cowfile.Open(file, files.Cowfile, below, OptionsFor(files, options) with
            {
                FindKeptBits = header => KeptBitsOpener.Find(opening, files.Cowfile, header.Span, out keptFile),
            });
        }
        finally
        {
            keptFile?.Dispose();
        }
    }

    private static CowfileOptions OptionsFor(DeviceFiles files, TopOptions options) => new()
    {
        AllocateZeroedWords = words => new NativeWords(words),
        NewId = options.Plain ? null : Guid.NewGuid(),
        Repair = options.Repair,
        AcceptBase = options.AcceptBase,
        VerifyBase = options.VerifyBase,
        DeviceBytes = options.DeviceBytes,
        ParentPath = files.Layers.Count == 0 ? null : Path.GetRelativePath(Path.GetDirectoryName(files.CowfilePath)!, files.Layers[^1].Path),
    };

    /// <summary>On another thread: a log can block, and who made the sync has writers waiting.</summary>
    private static void ReportFailure(int number, string cowfilePath, Errno errno) => ThreadPool.QueueUserWorkItem(_ => ServiceLog.Error(
        $"cowdevice {number} takes no more changes: cowfile {cowfilePath} could not be made durable: {errno.Text()}; "
        + $"what was flushed before is kept; deactivate it, then run: cowrepair {ShellWord.ForPath(cowfilePath)}"));
}
