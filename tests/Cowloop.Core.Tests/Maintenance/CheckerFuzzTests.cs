using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>The checker has a judgement of every file; what it finds nothing wrong with, all others accept.</summary>
public class CheckerFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 2_000;
    private const int SoakCaseCount = 200_000;
    private const long MaxBytes = 3 << 20;
    private const long MaxPackBytes = 3 << 20;
    private const int MaxProblems = 8;

    [Fact]
    public void Any_cowfile_is_judged() => HostileMemory.ForEach(new FuzzRun(output), CaseCount, SoakCaseCount, Check);

    private static string Check(HostileFile file)
    {
        var memory = new HostileMemory(file);
        IReadOnlyList<Problem> problems = [];
        Assert.True(memory.Accepts(MaxBytes, () => problems = memory.Problems()));
        memory.MustBeUnchanged();
        Assert.InRange(problems.Count, 0, MaxProblems);
        Assert.All(problems, problem => Assert.NotEmpty(problem.Text));
        if (problems.Count > 0)
        {
            return "problems";
        }
        Assert.True(memory.Accepts(MaxPackBytes, () => Packer.Prepare(AtRest.Named(memory.Store))));
        Assert.True(memory.Accepts(MaxPackBytes, () => AtRest.Prepare(memory.Base, memory.Store)));
        Assert.True(memory.Accepts(MaxPackBytes, () => memory.Open(repair: false)));
        memory.MustBeUnchanged();
        return "content";
    }
}
