using System.Diagnostics;
using Xunit.Sdk;

namespace Cowloop.Tests.Support;

/// <summary>Runs programs as a user does.</summary>
internal static class Shell
{
    /// <summary>Runs a program that must succeed.</summary>
    public static CommandResult Run(string program, params string[] arguments) => Try(program, arguments).MustSucceed();

    /// <summary>Runs a line of shell that must succeed.</summary>
    public static CommandResult RunScript(string script) => Run("sh", "-ec", script);

    /// <summary>Runs a program, whatever comes of it.</summary>
    public static CommandResult Try(string program, params string[] arguments) => Try(new ShellOptions(), program, arguments);

    /// <summary>Runs a program, whatever comes of it.</summary>
    public static CommandResult Try(ShellOptions options, string program, params string[] arguments)
    {
        using var process = Start(options, program, arguments);
        Answer(process, options.Input);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string command = $"{program} {string.Join(' ', arguments)}";
        if (!process.WaitForExit(options.TimeLimit))
        {
            process.Kill(entireProcessTree: true);
            throw new XunitException($"{command}\nwas still running after {options.TimeLimit.TotalSeconds} s{Known(output)}{Known(error)}");
        }
        // A process that it has left behind may hold the pipes.
        if (!Task.WhenAll(output, error).Wait(options.TimeLimit))
        {
            throw new XunitException($"{command}\nended, but something that it started keeps its output open");
        }
        return new CommandResult(command, process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Starts a program with its three streams redirected.</summary>
    public static Process Start(ShellOptions options, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program.Contains('/') ? program : Requirements.Find(program) ?? program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = options.Directory ?? "",
        };
        start.Environment["LC_ALL"] = "C";
        start.Environment["PATH"] = Requirements.ProgramPath;
        foreach ((string name, string value) in options.Environment)
        {
            start.Environment[name] = value;
        }
        return Process.Start(start)!;
    }

    private static void Answer(Process process, string input)
    {
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading it.
        }
    }

    private static string Known(Task<string> text) => text.IsCompletedSuccessfully ? $"\n{text.Result}" : "";
}
