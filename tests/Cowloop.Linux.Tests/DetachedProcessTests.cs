using System.Globalization;
using Cowloop.Core;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests;

public sealed class DetachedProcessTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [NeedsFact("/bin/sh")]
    public void What_is_written_before_ready_closes_is_the_answer() =>
        Assert.Equal("almost ready", Start("printf 'almost ' >&3\nprintf ready >&3"));

    [NeedsFact("/bin/sh")]
    public void A_process_that_dies_first_answers_nothing()
    {
        Assert.Equal("", Start("echo 'no disk' >&2\nexit 3"));
        Assert.Equal("no disk\n", File.ReadAllText(_directory["log"]));
    }

    [NeedsFact("/bin/sh")]
    public void A_filter_has_its_two_files_and_no_other()
    {
        File.WriteAllText(_directory["input"], "some text\n");
        using (SafeFileHandle input = File.OpenHandle(_directory["input"]))
        using (SafeFileHandle output = File.OpenHandle(_directory["output"], FileMode.Create, FileAccess.Write))
        {
            DetachedProcess.WaitFor(DetachedProcess.StartFilter("/bin/sh", ["-c", "read -r text; echo \"$text\"; ls /proc/$$/fd"], input, output));
        }

        Assert.Equal("some text\n0\n1\n2\n", File.ReadAllText(_directory["output"]));
    }

    [NeedsFact("/bin/sh")]
    public void Standard_error_is_appended_to_the_log()
    {
        Start("echo first >&2");
        Start("echo second >&2");

        Assert.Equal("first\nsecond\n", File.ReadAllText(_directory["log"]));
        UnixFileMode others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(_directory["log"]) & others);
    }

    [NeedsFact("/bin/sh", "readlink")]
    public void Standard_input_and_output_lead_nowhere() =>
        Assert.Equal("/dev/null\n/dev/null", Start("both=$(readlink /proc/$$/fd/0 /proc/$$/fd/1)\nprintf %s \"$both\" >&3"));

    [NeedsFact("/bin/sh")]
    public void Arguments_arrive_as_they_are() =>
        Assert.Equal("[a b][$HOME][ä'\"][]", Start("for each; do printf '[%s]' \"$each\"; done >&3", "a b", "$HOME", "ä'\"", ""));

    [NeedsFact("/bin/sh")]
    public void The_environment_is_passed_on()
    {
        Environment.SetEnvironmentVariable("COWLOOP_TEST_TEXT", "a = b");
        try
        {
            Assert.Equal("a = b", Start("printf %s \"$COWLOOP_TEST_TEXT\" >&3"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("COWLOOP_TEST_TEXT", null);
        }
    }

    [NeedsFact("/bin/sh")]
    public void It_has_a_session_of_its_own()
    {
        string[] stat = Start("cat /proc/$$/stat >&3").Split(' ');

        // Fields 1, 5 and 6: process, process group, session.
        Assert.Equal([stat[0], stat[0]], stat[4..6]);
    }

    [NeedsFact("/bin/sh", "mkfifo")]
    public void It_goes_on_after_it_is_ready()
    {
        Shell.Run("mkfifo", _directory["pipe"]);
        string id = Start($"printf %s $$ >&3\nexec 3>&-\nread line < {_directory["pipe"]}\necho \"$line\" > {_directory["result"]}");

        Assert.True(Directory.Exists($"/proc/{int.Parse(id, CultureInfo.InvariantCulture)}"));
        File.WriteAllText(_directory["pipe"], "go on\n");

        Poll.Until("the script has gone on", () => File.Exists(_directory["result"]) && File.ReadAllText(_directory["result"]) == "go on\n");
    }

    [Fact]
    public void A_missing_program_is_named()
    {
        CowloopException exception = Assert.Throws<CowloopException>(
            () => DetachedProcess.StartAndWait(_directory["none"], [], _directory["log"]));

        Assert.Equal(Errno.ENOENT, exception.Errno);
        Assert.Contains(_directory["none"], exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_that_cannot_be_opened_is_an_error() => Assert.Equal(
        Errno.ENOENT,
        Assert.Throws<CowloopException>(() => DetachedProcess.StartAndWait("/bin/sh", [], _directory["none/log"])).Errno);

    private string Start(string script, params string[] arguments)
    {
        string program = _directory["program"];
        File.WriteAllText(program, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return DetachedProcess.StartAndWait(program, arguments, _directory["log"]);
    }
}
