using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Daemon;
using Cowloop.Linux;
using Microsoft.Win32.SafeHandles;

// cowloopd [--ready] [maxcows=N] [rdofile=F cowfile=F [option=r]]: serves until it is unloaded.
const string ReadyOption = "--ready";
const string ReadyText = "ready";
const int FailureExitCode = 1;
const int ControlThreads = 64;
const string Usage = """
    Usage: cowloopd [maxcows=N] [rdofile=FILE cowfile=FILE [option=r]]

    Serves the cowdevices in the foreground and logs to standard error. It is started by
    'cowdev -a' and 'cowloop load', and ended by 'cowloop unload' or SIGTERM.

      maxcows=N     most devices at once, 1 to 1022 (16)
      rdofile=FILE  activate this read-only image as device 0 ...
      cowfile=FILE  ... with this cowfile
      option=r      recover that cowfile when it is dirty

    COWLOOP_RUN_DIR (/run/cowloop) and COWLOOP_DEV_DIR (/dev/cow) say where its state and the block nodes go,
    COWLOOP_LIVE_DIR where on a tmpfs it keeps what a kill must not lose (/run/cowloop/live, else /dev/shm/cowloop/live).
    """;

if (args is ["--version"])
{
    Console.WriteLine($"cowloopd {ProgramVersion.Text}");
    return 0;
}
if (args is ["--help"] or ["-h"])
{
    Console.WriteLine(Usage);
    return 0;
}

SafeFileHandle? ready = args is [ReadyOption, ..] ? DetachedProcess.TakeReadyDescriptor() : null;
try
{
    LoadParameters parameters = LoadParameters.Parse(ready is null ? args : args[1..]);
    Serve(parameters, CowloopPaths.FromEnvironment());
    return 0;
}
catch (CowloopException exception)
{
    return Fail(exception);
}
#pragma warning disable CA1031 // Whoever waits for the service to start hears of it, whatever it is.
catch (Exception exception)
#pragma warning restore CA1031
{
    ServiceLog.Error(exception.ToString());
    return Fail(new CowloopException(Errno.EIO, $"unexpected: {exception.Message}", "please report this, with the service's log"));
}

int Fail(CowloopException exception)
{
    ServiceLog.Error(exception.Message + (exception.Hint is null ? "" : $" ({exception.Hint})"));
    ReportReady(JsonSerializer.Serialize(ControlJson.Describe(exception), ControlJson.Default.ErrorReply));
    return FailureExitCode;
}

void Serve(LoadParameters parameters, CowloopPaths paths)
{
    if (!HostProcess.IsRoot)
    {
        throw new CowloopException(Errno.EPERM, "cowloopd must run as root: it makes block devices", "use sudo");
    }
    HostProcess.SurviveFileSizeLimit();
    MemoryPressure.Prepare();
    // A name that is too long is found before anything is made.
    _ = paths.ControlEndPoint();
    using DirectoryLock runLock = Claim(paths.RunDirectory);
    using DirectoryLock deviceLock = Claim(paths.DeviceDirectory);

    // Requests wait for the kernel, on threads of the pool: a storm of them must not wait for the pool to grow.
    ThreadPool.SetMinThreads(ControlThreads, ControlThreads);
    int maxDevices = DescriptorBudget.Grant(parameters.MaxDevices, HostProcess.DescriptorLimit);
    LogStart(parameters, maxDevices);
    using var service = new CowService(paths, maxDevices);
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    service.Recover();
    string answer = ReadyText;
    if (parameters.Base is string baseName)
    {
        try
        {
            service.AttachFirst(new AttachRequest(
                baseName,
                parameters.Cowfile!,
                Environment.CurrentDirectory,
                Repair: parameters.Repair,
                Plain: PlainCowfiles.AreWanted));
        }
        catch (CowloopException exception) when (service.HasDevices)
        {
            // Devices that have been recovered are not given up for it.
            answer = JsonSerializer.Serialize(ControlJson.Describe(exception), ControlJson.Default.ErrorReply);
        }
    }
    // Not to keep the caller's filesystem busy.
    Environment.CurrentDirectory = "/";

    WebApplication api = ControlApi.Create(service, paths, maxDevices);
    File.Delete(paths.ControlSocket);
    api.StartAsync().GetAwaiter().GetResult();
    ReportReady(answer);
    if (!ServiceManager.TryNotifyReady())
    {
        ServiceLog.Warning("the service manager cannot be told that the service serves");
    }
    // Starting up leaves garbage that an idle service would keep for ever.
    GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    service.Ended.GetAwaiter().GetResult();
    service.Events.Close();
    api.StopAsync().GetAwaiter().GetResult();
    File.Delete(paths.ControlSocket);
    ServiceLog.Notice("unloaded");

    void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        ServiceLog.Notice($"{context.Signal}: ends when the last device is closed");
        Task.Run(service.Drain);
    }
}

static DirectoryLock Claim(string directory)
{
    OwnDirectory.Ensure(directory);
    return DirectoryLock.TryTake(directory)
        ?? throw new CowloopException(Errno.EEXIST, $"another cowloopd uses {directory}", "cowloop status shows it");
}

static void LogStart(LoadParameters parameters, int maxDevices)
{
    ServiceLog.Notice($"version: {ProgramVersion.Text}");
    if (parameters.Warning is string warning)
    {
        ServiceLog.Warning(warning);
    }
    if (maxDevices < parameters.MaxDevices)
    {
        ServiceLog.Warning($"maxcows={parameters.MaxDevices} needs more than {HostProcess.DescriptorLimit} open files: {maxDevices} is used");
    }
    ServiceLog.Notice($"number of configured cowdevices: {maxDevices}");
    ServiceLog.Notice(parameters.Base is string baseName ? $"initialized on rdofile={baseName}" : "initialized without rdofile yet");
}

// What a tool that started this process waits for: that all is well, or the error.
void ReportReady(string text)
{
    if (ready is not null)
    {
        using var pipe = new FileStream(ready, FileAccess.Write);
        pipe.Write(Encoding.UTF8.GetBytes(text));
        ready = null;
    }
}
