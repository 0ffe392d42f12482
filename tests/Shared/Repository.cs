namespace Cowloop.Tests.Support;

/// <summary>Where the built programs are.</summary>
internal static class Repository
{
    /// <summary>The root of the repository: where the solution file is.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The programs under test: ./bin as <c>make build</c> leaves it, unless COWLOOP_TEST_BIN names others.</summary>
    public static string Binaries { get; } = Environment.GetEnvironmentVariable("COWLOOP_TEST_BIN") ?? Path.Combine(Root, "bin");

    public static string Program(string name)
    {
        string path = Path.Combine(Binaries, name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing: run make build first");
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Cowloop.slnx")))
            {
                return directory.FullName;
            }
        }
        throw new DirectoryNotFoundException("Cowloop.slnx is in none of the directories above the tests");
    }
}
