using System.Text.Json;
using Cowloop.Core;

namespace Cowloop.Control.Tests;

public class ControlJsonTests
{
    [Fact]
    public void An_exception_crosses_the_socket()
    {
        var exception = new CowloopException(Errno.EBUSY, "my.cow is in use", "close it") { Path = "/home/me/my.cow" };

        CowloopException back = ControlJson.ToException(ControlJson.Describe(exception));

        Assert.Equal(
            (exception.Errno, exception.Message, exception.Hint, exception.Path),
            (back.Errno, back.Message, back.Hint, back.Path));
    }

    [Fact]
    public void An_error_has_a_code_for_programs_and_a_reason_for_people()
    {
        string text = JsonSerializer.Serialize(ControlJson.Describe(new CowloopException(Errno.EBUSY, "in use")), ControlJson.Default.ErrorReply);

        Assert.Equal(
            """
            {
              "error": {
                "code": "EBUSY",
                "errno": 16,
                "reason": "in use",
                "hint": null,
                "path": null
              }
            }
            """,
            text);
    }
}
