using Cowloop.Control;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Activated and deactivated many times, the service is what it was: COWLOOP_SOAK=1 makes it very many.</summary>
public class LeakTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int WarmUpRounds = 40;

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
        ProcessUsage before = ProcessUsage.Of(process);
        for (int round = 0; round < Rounds; round++)
        {
            Cycle(client, image, round);
        }
        ProcessUsage after = ProcessUsage.Of(process);

        Assert.True(after.IsNoMoreThan(before), $"{before} before, {after} after");
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
}
