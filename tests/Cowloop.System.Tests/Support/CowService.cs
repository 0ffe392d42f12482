using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Cowloop.Control;
using Xunit.Sdk;

namespace Cowloop.SystemTests.Support;

/// <summary>
/// A service of the test's own, with its own run and device directories. It is started by the first activation, as for a
/// user. In the end it is unloaded, and nothing of it may be left.
/// </summary>
public class CowService : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly TempDirectory _memory = TempDirectory.InMemory();
    private readonly HashSet<int> _processes = [];

    public CowService()
    {
        RunDirectory = _temp["run"];
        // Block nodes work only where the filesystem allows them; /tmp may not.
        DeviceDirectory = $"/dev/cowtest-{Path.GetFileName(_temp.Path).Split('-')[^1]}";
        Paths = new CowloopPaths(RunDirectory, DeviceDirectory);
        LiveDirectory = _memory["live"];
    }

    /// <summary>State of the service.</summary>
    public string RunDirectory { get; }

    /// <summary>The nodes.</summary>
    public string DeviceDirectory { get; }

    public CowloopPaths Paths { get; }

    /// <summary>Where it keeps live bits; another one is used by the next service.</summary>
    public string LiveDirectory { get; set; }

    /// <summary>Process of the service that runs now.</summary>
    public int ProcessId
    {
        get
        {
            using var status = JsonDocument.Parse(Cowloop("status", "--json").MustSucceed().Output);
            int id = status.RootElement.GetProperty("processId").GetInt32();
            _processes.Add(id);
            return id;
        }
    }

    public bool IsRunning
    {
        get
        {
            using var client = new ControlClient(Paths);
            return client.IsServiceRunning;
        }
    }

    public string Log => File.Exists(Paths.Log) ? File.ReadAllText(Paths.Log) : "";

    /// <summary>What a tool needs in its environment to talk to this service.</summary>
    public Dictionary<string, string> Environment => new()
    {
        ["COWLOOP_RUN_DIR"] = RunDirectory,
        ["COWLOOP_DEV_DIR"] = DeviceDirectory,
        ["COWLOOP_LIVE_DIR"] = LiveDirectory,
        ["COWLOOP_AUTOSTART"] = "",
    };

    /// <summary>Runs one of the programs against this service.</summary>
    public CommandResult Run(string program, params string[] arguments) =>
        Shell.Try(new ShellOptions { Environment = Environment }, Repository.Program(program), arguments);

    public CommandResult Cowdev(params string[] arguments) => Run("cowdev", arguments);

    public CommandResult Cowsync(params string[] arguments) => Run("cowsync", arguments);

    public CommandResult Cowctl(params string[] arguments) => Run("cowctl", arguments);

    public CommandResult Cowwatch(params string[] arguments) => Run("cowwatch", arguments);

    public CommandResult Cowloop(params string[] arguments) => Run("cowloop", arguments);

    /// <summary>Starts a tool that is to go on for a while; signals end it as they do at a terminal.</summary>
    public Process Start(string program, params string[] arguments) => Shell.Start(
        new ShellOptions { Environment = Environment }, "env", ["--default-signal=INT,TERM", Repository.Program(program), .. arguments]);

    /// <summary>The node of a number, active or not.</summary>
    public string Node(int number) => Paths.Node(number);

    /// <summary>Activates a device that must work.</summary>
    public CowDisk Attach(string image, string cowfile, params string[] more)
    {
        CommandResult result = Cowdev(["-a", image, cowfile, .. more]).MustSucceed();
        var disk = new CowDisk(result.Line, image, cowfile);
        _ = ProcessId;
        return disk;
    }

    /// <summary>Deactivates a device that must go.</summary>
    public void Detach(CowDisk disk)
    {
        ArgumentNullException.ThrowIfNull(disk);
        Cowdev("-d", disk.Path).MustSucceed();
    }

    /// <summary>The paths of the active devices.</summary>
    public IReadOnlyList<string> ActiveDevices()
    {
        if (!File.Exists(Paths.DeviceList))
        {
            return [];
        }
        using JsonDocument devices = ReadJson(Paths.DeviceList);
        return [.. devices.RootElement.EnumerateArray().Select(device => device.GetProperty("path").GetString()!)];
    }

    /// <summary>The status of a device, as the file N.json tells it.</summary>
    public JsonElement Status(CowDisk disk)
    {
        ArgumentNullException.ThrowIfNull(disk);
        using JsonDocument status = ReadJson($"{Paths.StatusDirectory}/{disk.Number}.json");
        return status.RootElement.Clone();
    }

    /// <summary>The status text of a device.</summary>
    public string StatusText(CowDisk disk)
    {
        ArgumentNullException.ThrowIfNull(disk);
        return File.ReadAllText($"{Paths.StatusDirectory}/{disk.Number}");
    }

    /// <summary>The kernel's name of a device, such as loop3.</summary>
    public string KernelName(CowDisk disk) => Status(disk).GetProperty("kernelName").GetString()!;

    /// <summary>The kernel's loop devices of this service and of those before it.</summary>
    public IEnumerable<string> LoopDevices() => LoopTable.Of(RunDirectory);

    /// <summary>What is left of devices though none should be active: nodes, loop devices, status files, what is kept for the case of a kill.</summary>
    public IEnumerable<string> LeftOverDevices() =>
    [
        .. LoopDevices(),
        .. EntriesOf(DeviceDirectory),
        .. EntriesOf(Paths.SavedDevices),
        .. EntriesOf(LiveDirectory),
        .. EntriesOf(Paths.StatusDirectory).Where(path => Path.GetFileName(path) != CowloopPaths.DeviceListName),
    ];

    /// <summary>What is left of a service though none should run: mounts, the socket, and what its devices left.</summary>
    public IEnumerable<string> LeftOversInSystem() =>
    [
        .. LeftOverDevices(),
        .. File.ReadLines("/proc/self/mountinfo").Where(line => line.Contains($" {RunDirectory}", StringComparison.Ordinal)),
        .. File.Exists(Paths.ControlSocket) ? [Paths.ControlSocket] : Array.Empty<string>(),
    ];

    /// <summary>The same and its processes, which take a moment to end.</summary>
    public IEnumerable<string> LeftOvers() => [.. LeftOversInSystem(), .. RunningProcesses()];

    /// <summary>Removes what is kept for cowfiles that nobody uses, as a boot does. Of one that did not come back it stays until then.</summary>
    public void ForgetLiveBits()
    {
        foreach (string file in Directory.GetFiles(LiveDirectory))
        {
            File.Delete(file);
        }
    }

    /// <summary>If the service was killed, and no other was started since: starts one, which has its devices again.</summary>
    public void Revive()
    {
        if (!IsRunning && EntriesOf(Paths.SavedDevices).Length != 0)
        {
            StartService();
        }
    }

    /// <summary>Unloads the service if it runs, so that the next command starts another one.</summary>
    public void Stop()
    {
        if (IsRunning)
        {
            _ = ProcessId;
            Cowloop("unload").MustSucceed();
            Poll.UntilNone("left by the service", LeftOvers);
        }
        // One that has been unloaded already may not have ended yet.
        Poll.UntilNone("still running", RunningProcesses);
    }

    /// <summary>Ends the service as a power-off or the kernel's memory killer would.</summary>
    public void Kill() => Kill(ProcessId);

    /// <summary>
    /// Starts the service as an init system does, without a tool, and waits until it serves; then the devices of a killed one are there again.
    /// </summary>
    /// <returns>Its process.</returns>
    public int StartService()
    {
        int process = BeginService();
        using var client = new ControlClient(Paths);
        Poll.Until("the service serves", () => client.IsServiceRunning || !IsAlive(process));
        return IsAlive(process) ? process : throw new XunitException($"the service does not start; its log:\n{Log}");
    }

    /// <summary>The same without waiting for anything.</summary>
    public int BeginService()
    {
        Directory.CreateDirectory(RunDirectory);
        using Process process = Shell.Start(
            new ShellOptions { Environment = Environment }, "sh", "-c", "exec \"$0\" 2>>\"$1\"", Repository.Program("cowloopd"), Paths.Log);
        _processes.Add(process.Id);
        return process.Id;
    }

    /// <summary>The same for a service that may not answer any more.</summary>
    public static void Kill(int processId)
    {
        using var process = Process.GetProcessById(processId);
        process.Kill();
        Poll.UntilNone("a killed service goes on", () => IsAlive(processId) ? ["its process", .. ThreadsOf(processId)] : []);
    }

    /// <summary>SIGTERM, as the system sends it when it goes down.</summary>
    public static void Terminate(int processId) =>
        Shell.Run("sh", "-c", $"kill -TERM {processId.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>
    /// True unless a process is gone, or a zombie that its parent has not looked after yet. While the last threads of a killed
    /// process end it looks like one too, but has its files still.
    /// </summary>
    public static bool IsAlive(int processId)
    {
        try
        {
            string directory = $"/proc/{processId.ToString(CultureInfo.InvariantCulture)}";
            string status = File.ReadAllText($"{directory}/stat");
            return status[status.LastIndexOf(')') + 2] is not ('Z' or 'X') || Directory.GetDirectories($"{directory}/task").Length > 1;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        Revive();
        string? problem = IsRunning ? Unload() : null;
        if (problem is null)
        {
            try
            {
                Poll.UntilNone("left by the service", LeftOvers);
            }
            catch (XunitException exception)
            {
                problem = exception.Message;
            }
        }
        string log = Log;
        if (problem is not null)
        {
            CleanUpByForce();
        }
        if (Directory.Exists(DeviceDirectory))
        {
            Directory.Delete(DeviceDirectory, recursive: true);
        }
        _temp.Dispose();
        _memory.Dispose();
        if (problem is not null)
        {
            throw new XunitException($"{problem}\nlog of the service:\n{log}");
        }
    }

    private IEnumerable<string> RunningProcesses() => _processes.Where(IsAlive).Select(id => $"process {id}: {string.Join(", ", ThreadsOf(id))}");

    /// <summary>The name of each thread, its state, and what in the kernel it waits for.</summary>
    private static IEnumerable<string> ThreadsOf(int processId)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/task").Select(DescribeThread);
        }
        catch (DirectoryNotFoundException)
        {
            // The process has just ended.
            return [];
        }
    }

    private static string DescribeThread(string directory)
    {
        try
        {
            string stat = File.ReadAllText($"{directory}/stat");
            return $"{stat[stat.IndexOf('(', StringComparison.Ordinal)..(stat.LastIndexOf(')') + 3)]} {File.ReadAllText($"{directory}/wchan")}";
        }
        catch (IOException)
        {
            return "one that has just ended";
        }
    }

    /// <summary>Nothing of a directory that is not there, or that the service, as it ends, has just removed.</summary>
    private static string[] EntriesOf(string directory)
    {
        try
        {
            return Directory.GetFileSystemEntries(directory);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static JsonDocument ReadJson(string path) => JsonDocument.Parse(File.ReadAllText(path));

    private string? Unload()
    {
        _ = ProcessId;
        CommandResult result = Cowloop("unload");
        return result.ExitCode == 0 ? null : result.ToString();
    }

    /// <summary>A failed test must not be the reason why the next one fails.</summary>
    private void CleanUpByForce()
    {
        foreach (int id in _processes.Where(IsAlive))
        {
            using var process = Process.GetProcessById(id);
            process.Kill();
        }
        foreach (string loop in LoopDevices())
        {
            Shell.Try("losetup", "-d", loop);
        }
        Shell.Try("umount", "-l", Paths.StatusDirectory);
    }
}
