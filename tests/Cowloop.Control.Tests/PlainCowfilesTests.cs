namespace Cowloop.Control.Tests;

public class PlainCowfilesTests
{
    [Theory]
    [InlineData("1", true)]
    [InlineData("0", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void The_environment_says_so(string? value, bool areWanted)
    {
        string? before = Environment.GetEnvironmentVariable("COWLOOP_PLAIN");
        try
        {
            Environment.SetEnvironmentVariable("COWLOOP_PLAIN", value);

            Assert.Equal(areWanted, PlainCowfiles.AreWanted);
        }
        finally
        {
            Environment.SetEnvironmentVariable("COWLOOP_PLAIN", before);
        }
    }
}
