namespace Cowloop.Control.Tests;

public class ProgramVersionTests
{
    [Fact]
    public void It_is_a_plain_version() => Assert.Matches(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$", ProgramVersion.Text);
}
