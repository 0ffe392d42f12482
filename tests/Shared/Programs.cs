using System.Diagnostics;

namespace Cowloop.Tests.Support;

/// <summary>Runs the programs of the system that the tests look at our devices with.</summary>
internal static class Programs
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);
    private static readonly string[] StandardDirectories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>Finds a program; administrators' programs too, which a user's PATH may not name.</summary>
    public static string? Find(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Concat(StandardDirectories)
        .Where(directory => directory.Length > 0)
        .Select(directory => Path.Combine(directory, name))
        .FirstOrDefault(File.Exists);

    /// <summary>Runs a program that must succeed.</summary>
    /// <returns>Its standard output.</returns>
    public static string Run(string name, params string[] arguments)
    {
        (int exitCode, string output, string error) = TryRun(name, arguments);
        Assert.True(exitCode == 0, $"{name} {string.Join(' ', arguments)} ended with {exitCode}: {error}");
        return output;
    }

    /// <summary>Runs a program whatever it answers.</summary>
    public static (int ExitCode, string Output, string Error) TryRun(string name, params string[] arguments)
    {
        var start = new ProcessStartInfo(Find(name) ?? throw new FileNotFoundException($"no program {name}"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Deadline))
        {
            process.Kill();
            Assert.Fail($"{name} {string.Join(' ', arguments)} does not end");
        }
        return (process.ExitCode, output.Result, error.Result);
    }
}
