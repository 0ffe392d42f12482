namespace Cowloop.Control.Tests;

public class CowtabTests
{
    [Fact]
    public void A_line_is_a_device() => Assert.Equal(
        new CowtabEntry(1, "/images/disk.img", "/images/my.cow", 3),
        Only("/images/disk.img /images/my.cow 3"));

    [Theory]
    [InlineData("/b /c 3 -")]
    [InlineData("/b /c 3 defaults")]
    [InlineData("/b\t/c\t\t3")]
    [InlineData("  /b   /c 3  ")]
    public void Blanks_tabs_and_no_options_make_no_difference(string line) =>
        Assert.Equal(new CowtabEntry(1, "/b", "/c", 3), Only(line));

    [Fact]
    public void Comments_and_empty_lines_count_as_lines_only()
    {
        Cowtab table = Cowtab.Parse("# BASE COWFILE NUMBER\n\n  \t\n   # /b /c 0\n/b /c#1 0\n");

        Assert.Equal([new CowtabEntry(5, "/b", "/c#1", 0)], table.Entries);
        Assert.Empty(table.Errors);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("# nothing yet")]
    public void A_table_may_be_empty(string text)
    {
        Cowtab table = Cowtab.Parse(text);

        Assert.Empty(table.Entries);
        Assert.Empty(table.Errors);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1021", 1021)]
    [InlineData("auto", null)]
    public void A_number_is_fixed_or_any(string field, int? expected) => Assert.Equal(expected, Only($"/b /c {field}").Number);

    [Theory]
    [InlineData("noauto", true, false, false, false)]
    [InlineData("nofail", false, true, false, false)]
    [InlineData("repair", false, false, true, false)]
    [InlineData("accept-base", false, false, false, true)]
    [InlineData("accept-base,repair,nofail,noauto,defaults", true, true, true, true)]
    public void Options_are_separated_by_commas(string options, bool noAuto, bool noFail, bool repair, bool acceptBase) => Assert.Equal(
        new CowtabEntry(1, "/b", "/c", 0) { NoAuto = noAuto, NoFail = noFail, Repair = repair, AcceptBase = acceptBase },
        Only($"/b /c 0 {options}"));

    [Theory]
    [InlineData("-", "wait:60", "", "")]
    [InlineData("on-full=error", "error", "", "")]
    [InlineData("on-full=wait:5,warn-at=80%,hook=/usr/local/sbin/full,warn-at=1G", "wait:5", "80%,1G", "/usr/local/sbin/full")]
    [InlineData(@"hook=/my\040hook,on-full=wait", "wait", "", "/my hook")]
    public void Options_say_what_to_do_when_space_runs_short(string options, string onFull, string warnAt, string hook)
    {
        CowtabEntry entry = Only($"/b /c 0 {options}");

        Assert.Equal((onFull, warnAt, hook), (entry.OnFull.ToString(), entry.WarnAt, entry.Hook));
    }

    [Theory]
    [InlineData(@"/my\040images/a\011b", "/my images/a\tb")]
    [InlineData(@"/back\134slash", @"/back\slash")]
    [InlineData(@"/not\134040twice", @"/not\040twice")]
    [InlineData(@"\057etc", "/etc")]
    [InlineData(@"/\303\244", "/ä")]
    [InlineData("/ä", "/ä")]
    public void An_escape_is_a_byte_of_the_path(string field, string expected)
    {
        Assert.Equal(expected, Only($"{field} /c 0").Base);
        Assert.Equal(expected, Only($"/b {field} 0").Cowfile);
    }

    [Theory]
    [InlineData("/b", "not 1")]
    [InlineData("/b /c", "not 2")]
    [InlineData("/b /c 0 - more", "not 5")]
    [InlineData("/b /c 0 # comment", "not 5")]
    [InlineData("b /c 0", "'b' is not an absolute path")]
    [InlineData("/b ./c 0", "'./c' is not an absolute path")]
    [InlineData(@"/a\000b /c 0", "not an absolute path")]
    [InlineData(@"/a\b /c 0", @"\134 for a backslash")]
    [InlineData(@"/a\400 /c 0", @"\134 for a backslash")]
    [InlineData(@"/b /c\04 0", @"\134 for a backslash")]
    [InlineData("/b /c -", "'-' is not a device number")]
    [InlineData("/b /c -1", "'-1' is not a device number")]
    [InlineData("/b /c +1", "'+1' is not a device number")]
    [InlineData("/b /c 01", "'01' is not a device number")]
    [InlineData("/b /c 1022", "from 0 to 1021")]
    [InlineData("/b /c 99999999999", "from 0 to 1021")]
    [InlineData("/b /c /dev/cow/1", "'/dev/cow/1' is not a device number")]
    [InlineData("/b /c Auto", "or auto")]
    [InlineData("/b /c 0 ro", "unknown option 'ro'")]
    [InlineData("/b /c 0 nofail,", "unknown option ''")]
    [InlineData("/b /c 0 nofail=1", "unknown option 'nofail=1'")]
    [InlineData("/b /c 0 on-full", "unknown option 'on-full'")]
    [InlineData("/b /c 0 on-full=panic", "give error, wait or wait:SECONDS")]
    [InlineData("/b /c 0 warn-at=many", "'many' is no mark")]
    [InlineData("/b /c 0 hook=full", "'full' is not an absolute path")]
    [InlineData("/b /c 0 nofail,-", "unknown option '-'")]
    public void A_bad_line_says_what_is_wrong_and_is_no_device(string line, string reason)
    {
        Cowtab table = Cowtab.Parse($"\n{line}\n");

        CowtabError error = Assert.Single(table.Errors);
        Assert.Empty(table.Entries);
        Assert.Equal(2, error.LineNumber);
        Assert.Contains(reason, error.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Good_lines_around_a_bad_one_keep_their_order()
    {
        Cowtab table = Cowtab.Parse("/b /one 5\nnonsense\n/b /two 1\n/b /three auto\n");

        Assert.Equal([1, 3, 4], table.Entries.Select(entry => entry.LineNumber));
        Assert.Equal([5, 1, null], table.Entries.Select(entry => entry.Number));
        Assert.Equal([2], table.Errors.Select(error => error.LineNumber));
    }

    [Fact]
    public void A_number_or_a_cowfile_of_an_earlier_line_is_refused_and_a_base_is_not()
    {
        Cowtab table = Cowtab.Parse("/b /one 1\n/b /two 1\n/b /one 2\n/b /three 3\n/b /four auto\n/b /five auto\n");

        Assert.Equal([1, 4, 5, 6], table.Entries.Select(entry => entry.LineNumber));
        Assert.Equal(
            [
                new CowtabError(2, "number 1 is that of line 1"),
                new CowtabError(3, "cowfile /one is that of line 1: every device needs one of its own"),
            ],
            table.Errors);
    }

    private static CowtabEntry Only(string line)
    {
        Cowtab table = Cowtab.Parse(line);
        Assert.Empty(table.Errors);
        return Assert.Single(table.Entries);
    }
}
