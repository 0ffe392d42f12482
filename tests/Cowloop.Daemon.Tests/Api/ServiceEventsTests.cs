using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Daemon.Tests.Api;

public class ServiceEventsTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly ServiceEvents _events = new(() => []);

    [Fact]
    public async Task A_listener_first_hears_how_all_stands_and_then_what_happens()
    {
        await using IAsyncEnumerator<ServiceEvent> listener = Listen();
        Assert.Equal(ServiceEvents.State, await Next(listener));

        _events.Publish(Happened(ServiceEvents.Attached));
        _events.Publish(Happened(ServiceEvents.Detached));

        Assert.Equal(ServiceEvents.Attached, await Next(listener));
        Assert.Equal(ServiceEvents.Detached, await Next(listener));
    }

    [Fact]
    public async Task One_that_is_slow_misses_events_and_is_told_how_all_stands()
    {
        await using IAsyncEnumerator<ServiceEvent> listener = Listen();
        Assert.Equal(ServiceEvents.State, await Next(listener));
        for (int index = 0; index < 1000; index++)
        {
            _events.Publish(Happened(ServiceEvents.Low));
        }

        int heard = 0;
        string name;
        while ((name = await Next(listener)) == ServiceEvents.Low)
        {
            heard++;
        }

        Assert.InRange(heard, 1, 999);
        Assert.Equal(ServiceEvents.State, name);
    }

    [Fact]
    public async Task The_end_of_the_service_is_the_end_of_the_events()
    {
        await using IAsyncEnumerator<ServiceEvent> listener = Listen();
        await Next(listener);
        _events.Close();

        Assert.False(await listener.MoveNextAsync().AsTask().WaitAsync(Soon));
    }

    [Fact]
    public async Task There_is_a_bound_on_listeners_and_one_that_goes_makes_room()
    {
        List<IAsyncEnumerator<ServiceEvent>> listeners = [];
        for (int index = 0; index < ServiceEvents.MaxListeners; index++)
        {
            listeners.Add(Listen());
            await Next(listeners[^1]);
        }
        Assert.Equal(Errno.EAGAIN, Assert.Throws<CowloopException>(() => Listen()).Errno);

        await listeners[0].DisposeAsync();

        listeners[0] = Listen();
        Assert.Equal(ServiceEvents.State, await Next(listeners[0]));
        foreach (IAsyncEnumerator<ServiceEvent> listener in listeners)
        {
            await listener.DisposeAsync();
        }
    }

    private IAsyncEnumerator<ServiceEvent> Listen() => _events.Listen(CancellationToken.None).GetAsyncEnumerator();

    private static ServiceEvent Happened(string name) => new(name, DateTime.UnixEpoch, null, []);

    private static async Task<string> Next(IAsyncEnumerator<ServiceEvent> listener)
    {
        Assert.True(await listener.MoveNextAsync().AsTask().WaitAsync(Soon));
        return listener.Current.Event;
    }
}
