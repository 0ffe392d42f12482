using Cowloop.Simulation.Exploring;
using Xunit.Abstractions;

namespace Cowloop.Simulation.Tests;

public class ExplorerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void All(int length)
    {
        var explorer = new Explorer();
        var start = System.Diagnostics.Stopwatch.StartNew();
        Violation? v = explorer.CheckAll(length);
        output.WriteLine(explorer.Report.ToString() + " " + start.Elapsed);
        Assert.True(v is null, v?.ToString());
    }

    [Fact]
    public void Rand()
    {
        var explorer = new Explorer();
        var start = System.Diagnostics.Stopwatch.StartNew();
        Violation? v = explorer.CheckRandom(1, 100000);
        output.WriteLine(explorer.Report.ToString() + " " + start.Elapsed);
        Assert.True(v is null, v?.ToString());
    }
}
