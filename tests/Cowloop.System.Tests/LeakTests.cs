using System.Globalization;
using Cowloop.Control;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Activated and deactivated many times, the service is what it was: COWLOOP_SOAK=1 makes it very many.</summary>
public class LeakTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int WarmUpRounds = 40;

    // The thread pool and the connection pool breathe.
    private const int Tolerance = 6;

    private static readonly int Rounds = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1" ? 10_000 : 200;

    [RootFact]
    public void Activations_and_deactivations_leave_nothing_behind()
    {
        string image = NumbersBase();
        using var client = new ControlClient(Service.Paths);
        Service.Detach(Attach(image));
        int process = Service.ProcessId;
        for (int round = 0; round < WarmUpRounds; round++)
        {
            Cycle(client, image, round);
        }
        Usage before = Usage.Of(process);
        for (int round = 0; round < Rounds; round++)
        {
            Cycle(client, image, round);
        }
        Usage after = Usage.Of(process);

        Assert.True(after.Threads <= before.Threads + Tolerance, $"{before} before, {after} after");
        Assert.True(after.Descriptors <= before.Descriptors + Tolerance, $"{before} before, {after} after");
        Assert.Equal(before.Mounts, after.Mounts);
        Assert.Empty(Service.LeftOverDevices());
        Assert.Equal(["R", "changes.cow", "round.cow"], NamesIn(Temp.Path));
        Assert.Equal(["control.sock", "cowloopd.log", "devices", "status"], NamesIn(Service.RunDirectory));
    }

    private void Cycle(ControlClient client, string image, int round)
    {
        string cowfile = Temp["round.cow"];
        DeviceStatus device = client.Attach(new AttachRequest(image, cowfile, "/")).Device;
        // Every fifth one is written to, every tenth starts anew.
        if (round % 5 == 0)
        {
            using FileStream disk = new(device.Path, FileMode.Open, FileAccess.ReadWrite);
            disk.Position = round % 1000 * 1024;
            disk.Write(Data.Random(round, 2048));
            disk.Flush(flushToDisk: true);
        }
        client.Detach(device.Number);
        if (round % 10 == 9)
        {
            File.Delete(cowfile);
            File.WriteAllBytes(cowfile, []);
        }
    }

    private static IEnumerable<string> NamesIn(string directory) =>
        Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    /// <summary>What a process holds.</summary>
    private sealed record Usage(int Threads, int Descriptors, int Mounts)
    {
        /// <summary>The runtime opens its libraries when they are needed first.</summary>
        private static bool IsOwn(string descriptor) => new FileInfo(descriptor).LinkTarget?.EndsWith(".dll", StringComparison.Ordinal) == false;

        public static Usage Of(int process)
        {
            string directory = $"/proc/{process.ToString(CultureInfo.InvariantCulture)}";
            return new Usage(
                Directory.GetDirectories($"{directory}/task").Length,
                Directory.GetFiles($"{directory}/fd").Count(IsOwn),
                File.ReadAllLines($"{directory}/mountinfo").Length);
        }
    }
}
