using System.Diagnostics;
using System.Text;

namespace Cowloop.Tests.Support;

/// <summary>A program at a terminal, and somebody who types. It ends when disposed of.</summary>
internal sealed class Terminal : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _screen = new();

    /// <param name="options">How to run it.</param>
    /// <param name="command">A line of shell.</param>
    public Terminal(ShellOptions options, string command)
    {
        _process = Shell.Start(options, "script", "-qefc", command, "/dev/null");
        _process.StandardInput.AutoFlush = true;
        _ = ReadAsync();
    }

    /// <summary>All that was written so far.</summary>
    public string Screen
    {
        get
        {
            lock (_screen)
            {
                return _screen.ToString();
            }
        }
    }

    /// <summary>Types keys; a tab is a tab.</summary>
    public void Type(string keys) => _process.StandardInput.Write(keys);

    /// <summary>Waits until this has been written.</summary>
    public void WaitFor(string text)
    {
        if (!Poll.TryUntil(() => Screen.Contains(text, StringComparison.Ordinal)))
        {
            throw new Xunit.Sdk.XunitException($"\"{text}\" does not come:\n{Screen}");
        }
    }

    /// <summary>Waits until the program has ended.</summary>
    /// <returns>Its exit code.</returns>
    public int WaitForEnd()
    {
        Poll.Until("the program has ended", () => _process.HasExited);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        char[] buffer = new char[4096];
        while (await _process.StandardOutput.ReadAsync(buffer).ConfigureAwait(false) is > 0 and int count)
        {
            lock (_screen)
            {
                _screen.Append(buffer, 0, count);
            }
        }
    }
}
