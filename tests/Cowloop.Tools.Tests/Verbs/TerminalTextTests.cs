using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

public class TerminalTextTests
{
    [Theory]
    [InlineData(null, null, null, false)]
    [InlineData("C", null, null, false)]
    [InlineData("POSIX", null, null, false)]
    [InlineData("C.UTF-8", null, null, true)]
    [InlineData("de_DE.utf8", null, null, true)]
    [InlineData("de_DE.ISO-8859-1", null, null, false)]
    [InlineData(null, "C.UTF-8", null, true)]
    [InlineData(null, null, "en_US.UTF-8", true)]
    [InlineData(null, "", "en_US.UTF-8", true)]
    [InlineData("C", "C.UTF-8", "C.UTF-8", false)]
    [InlineData(null, "C", "C.UTF-8", false)]
    public void The_first_locale_variable_that_is_set_decides(string? all, string? ctype, string? lang, bool expected)
    {
        using var locale = new Locale(all, ctype, lang);

        Assert.Equal(expected, TerminalText.HasShades);
    }
}
