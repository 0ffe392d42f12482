using Cowloop.Control;
using Cowloop.Core;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Activations that come at the same time.</summary>
public class ConcurrentActivationTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int Rivals = 12;
    private const int Rounds = 20;

    [RootFact]
    public void Of_many_activations_of_one_new_cowfile_exactly_one_wins_and_keeps_its_file()
    {
        string image = NumbersBase();
        Service.Detach(Attach(image, "warm-up.cow"));
        using var client = new ControlClient(Service.Paths);
        for (int round = 0; round < Rounds; round++)
        {
            string cowfile = Temp[$"{round}.cow"];
            DeviceStatus[] winners = [.. AtOnce(_ => TryAttach(client, image, cowfile)).OfType<DeviceStatus>()];
            DeviceStatus winner = Assert.Single(winners);
            Assert.True(File.Exists(cowfile), "the winner's cowfile was removed by a loser");
            BlockIo.Write(winner.Path, 0, Data.Fill(1, 1024));
            client.Detach(winner.Number);
            Assert.Equal(Data.Fill(1, 1024), File.ReadAllBytes(cowfile)[4096..]);
        }
        Assert.Empty(Service.ActiveDevices());
    }

    [RootFact]
    public void Of_many_activations_under_one_number_exactly_one_wins_and_no_other_cowfile_is_made()
    {
        string image = NumbersBase();
        Service.Detach(Attach(image, "warm-up.cow"));
        using var client = new ControlClient(Service.Paths);
        DeviceStatus?[] results = AtOnce(index => TryAttach(client, image, Temp[$"{index}.cow"], number: 5));
        DeviceStatus winner = Assert.Single(results.OfType<DeviceStatus>());
        Assert.Equal(5, winner.Number);
        Assert.Equal([winner.CowfilePath, Temp["warm-up.cow"]], Directory.EnumerateFiles(Temp.Path, "*.cow").Order(StringComparer.Ordinal));
    }

    [RootFact]
    public void Devices_come_and_go_at_the_same_time()
    {
        string image = NumbersBase();
        Service.Detach(Attach(image, "warm-up.cow"));
        using var client = new ControlClient(Service.Paths);
        AtOnce(index =>
        {
            for (int round = 0; round < 5; round++)
            {
                DeviceStatus device = client.Attach(new AttachRequest(image, Temp[$"{index}.cow"], "/")).Device;
                BlockIo.Write(device.Path, 1024 * index, Data.Fill((byte)(index + round), 1024));
                client.Detach(device.Number);
            }
            return true;
        });
        for (int index = 0; index < Rivals; index++)
        {
            Assert.Equal(Data.Fill((byte)(index + 4), 1024), File.ReadAllBytes(Temp[$"{index}.cow"])[(4096 + 1024 * index)..]);
        }
        Assert.Empty(Service.LeftOverDevices());
    }

    /// <summary>Null when it is refused as busy; any other error is one.</summary>
    private static DeviceStatus? TryAttach(ControlClient client, string image, string cowfile, int? number = null)
    {
        try
        {
            return client.Attach(new AttachRequest(image, cowfile, "/", number)).Device;
        }
        catch (CowloopException exception) when (exception.Errno == Errno.EBUSY)
        {
            return null;
        }
    }

    /// <summary>Does something in many threads that start together.</summary>
    private static T[] AtOnce<T>(Func<int, T> work)
    {
        using var start = new Barrier(Rivals);
        Task<T>[] tasks = [.. Enumerable.Range(0, Rivals).Select(index => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                return work(index);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        return Task.WhenAll(tasks).GetAwaiter().GetResult();
    }
}
