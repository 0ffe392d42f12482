using System.Text.Json;
using Cowloop.Control.Tests.Support;
using Cowloop.Core;

namespace Cowloop.Control.Tests;

/// <summary>A service that has no room answers before it is asked, and closes: the request can't be sent, and the answer counts.</summary>
public sealed class AnsweredStreamTests : IDisposable
{
    // Some of the requests are sent all the same.
    private const int Rounds = 200;

    private readonly FakeService _service = new() { AnswersUnasked = true };
    private readonly ControlClient _client;

    public AnsweredStreamTests() => _client = new ControlClient(_service.Paths);

    public void Dispose()
    {
        _client.Dispose();
        _service.Dispose();
    }

    [Fact]
    public void What_a_service_says_before_it_is_asked_is_heard()
    {
        var error = new CowloopException(Errno.EAGAIN, "256 connections to the service are open already");
        _service.Answer = FakeService.Reply(503, JsonSerializer.Serialize(ControlJson.Describe(error), ControlJson.Default.ErrorReply));

        for (int round = 0; round < Rounds; round++)
        {
            CowloopException exception = Assert.Throws<CowloopException>(() => _client.GetService());
            Assert.Equal(Errno.EAGAIN, exception.Errno);
            Assert.Equal(error.Message, exception.Message);
        }
    }

    [Fact]
    public void A_service_that_says_nothing_went_away()
    {
        _service.Answer = "";

        for (int round = 0; round < Rounds; round++)
        {
            CowloopException exception = Assert.Throws<CowloopException>(_client.Sync);
            Assert.Equal(Errno.EIO, exception.Errno);
            Assert.StartsWith("the service went away: ", exception.Message, StringComparison.Ordinal);
        }
    }
}
