namespace Cowloop.Core.Tests;

public class ShellWordTests
{
    [Theory]
    [InlineData("/srv/my.cow", "/srv/my.cow")]
    [InlineData("my cow", "'my cow'")]
    [InlineData("it's", @"'it'\''s'")]
    [InlineData("$HOME", "'$HOME'")]
    [InlineData("-f", "./-f")]
    [InlineData("- f", "'./- f'")]
    [InlineData("é", "'é'")]
    [InlineData("", "''")]
    public void A_path_is_one_word_of_a_command_line(string path, string word) => Assert.Equal(word, ShellWord.ForPath(path));
}
