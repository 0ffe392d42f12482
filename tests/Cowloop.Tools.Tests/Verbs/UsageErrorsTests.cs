using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

public class UsageErrorsTests
{
    [Theory]
    [InlineData("attach", "BASE is missing")]
    [InlineData("attach disk.img my.cow --size 5X", "'5X' is not a size")]
    [InlineData("attach disk.img --volatile --size-limit -1", "'-1' is not a size")]
    [InlineData("attach disk.img --volatile --in", "--in needs a value")]
    [InlineData("attach disk.img my.cow --layer", "--layer needs a value")]
    [InlineData("snapshot", "DEVICE is missing", "NEWFILE is missing")]
    [InlineData("snapshot /dev/cow/0", "NEWFILE is missing")]
    [InlineData("snapshot /dev/cow/0 new.cow more", "'more' is one argument too many")]
    [InlineData("snapshot /dev/cow/0 new.cow --freeze", "--freeze needs a value")]
    [InlineData("fork /dev/cow/0", "NEWFILE is missing")]
    [InlineData("fork /dev/cow/0 new.cow -n abc", "'abc' is not a device number")]
    [InlineData("rollback", "DEVICE is missing")]
    [InlineData("rollback /dev/cow/0 more", "'more' is one argument too many")]
    [InlineData("detach", "DEVICE is missing")]
    [InlineData("grow", "COWFILE is missing")]
    [InlineData("grow my.cow 4X", "'4X' is not a size: give one such as 4G, +1G for so much more, or none for no limit")]
    [InlineData("grow my.cow +", "'+' is not a size: give one such as 4G, +1G for so much more, or none for no limit")]
    [InlineData("grow my.cow 0", "'0' is not a size: give one such as 4G, +1G for so much more, or none for no limit")]
    [InlineData("grow my.cow 1G 2G", "'2G' is one argument too many")]
    [InlineData("create disk.img my.cow --store-size 2X", "'2X' is not a size")]
    [InlineData("list more", "'more' is one argument too many")]
    [InlineData("check my.cow --base", "--base needs a value")]
    [InlineData("attach disk.img my.cow -n", "--number needs a value")]
    [InlineData("attach disk.img my.cow -n abc", "'abc' is not a device number")]
    [InlineData("attach disk.img my.cow -n -1", "'-1' is not a device number")]
    [InlineData("completion tcsh", "Argument 'tcsh' not recognized. Must be one of: 'bash' 'zsh' 'fish'")]
    [InlineData("attach disk.img --reapir", "there is no option '--reapir'; before a name that begins with a dash, give --")]
    [InlineData("attach disk.img my.cow --number=1 --reapir", "there is no option '--reapir'; before a name that begins with a dash, give --")]
    [InlineData("attach -x disk.img", "there is no option '-x'; before a name that begins with a dash, give --")]
    [InlineData("--json list", "there is no option '--json'; before a name that begins with a dash, give --")]
    public void What_is_wrong_is_said_in_plain_words(string line, params string[] errors) => Assert.Equal(errors, Find(line));

    [Theory]
    [InlineData("frobnicate", "frobnicate")]
    [InlineData("frobnicate my.cow", "frobnicate")]
    [InlineData("help", "help")]
    public void A_verb_that_there_is_not_is_answered_with_those_that_there_are(string line, string verb)
    {
        string error = Assert.Single(Find(line));

        Assert.StartsWith($"there is no verb '{verb}'; there are attach, detach, ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("attach disk.img my.cow")]
    [InlineData("attach disk.img my.cow -n 5 --json")]
    [InlineData("attach -n5 disk.img my.cow")]
    [InlineData("attach disk.img -- --reapir")]
    [InlineData("attach disk.img top.cow --layer r1.cow --layer r2.cow --size 3G")]
    [InlineData("attach --read-only disk.img r1.cow r2.cow")]
    [InlineData("attach disk.img --volatile --in /var/tmp --size-limit 512M")]
    [InlineData("snapshot /dev/cow/0 new.cow --freeze /mnt --json")]
    [InlineData("fork /dev/cow/0 new.cow --top goes-on.cow -n 3 --freeze /mnt")]
    [InlineData("rollback /dev/cow/0")]
    [InlineData("grow /dev/cow/0")]
    [InlineData("grow my.cow 4G --json")]
    [InlineData("grow my.cow +512K")]
    [InlineData("grow my.cow none")]
    [InlineData("create disk.img my.cow --store compact --store-size 2G")]
    [InlineData("info -")]
    [InlineData("info @names")]
    [InlineData("list")]
    public void What_is_right_has_no_errors(string line) => Assert.Empty(Find(line));

    [Theory]
    [InlineData("--help")]
    [InlineData("attach --help")]
    [InlineData("attach --frobnicate -h")]
    [InlineData("--version")]
    public void Who_asks_for_help_is_not_lectured(string line) => Assert.Empty(Find(line));

    [Fact]
    public void The_errors_go_to_standard_error_with_where_to_read_on()
    {
        CommandResult result = Captured.Run("", () => UsageErrors.Report(Parse("check --frobnicate")) ? 1 : 0);

        Assert.Equal(
            (1, "", "cowloop: there is no option '--frobnicate'; before a name that begins with a dash, give --\ncowloop: 'cowloop check --help' shows the usage\n"),
            (result.ExitCode, result.Output, result.Error));
    }

    private static IReadOnlyList<string> Find(string line) => UsageErrors.Find(Parse(line));

    private static System.CommandLine.ParseResult Parse(string line) => CowloopFront.Parse(CowloopFront.Create(), line.Split(' '));
}
