using Cowloop.Core;

namespace Cowloop.Control.Tests;

/// <summary>Specification 4.2 and T76.</summary>
public class LoadParametersTests
{
    [Fact]
    public void Nothing_said_is_16_devices_and_none_at_start() =>
        Assert.Equal(new LoadParameters(16, null, null, false, null), LoadParameters.Parse([]));

    [Theory]
    [InlineData("1", 1)]
    [InlineData("16", 16)]
    [InlineData("1022", 1022)]
    [InlineData("+5", 5)]
    public void A_number_of_devices_is_taken(string value, int expected)
    {
        LoadParameters parameters = LoadParameters.Parse([$"maxcows={value}"]);

        Assert.Equal(expected, parameters.MaxDevices);
        Assert.Null(parameters.Warning);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-3")]
    [InlineData("1023")]
    [InlineData("1025")]
    [InlineData("2147483647")]
    public void A_number_out_of_range_is_16_with_a_warning(string value)
    {
        LoadParameters parameters = LoadParameters.Parse([$"maxcows={value}"]);

        Assert.Equal(16, parameters.MaxDevices);
        Assert.Contains("16 is used", parameters.Warning, StringComparison.Ordinal);
        Assert.Contains(value.StartsWith('-') || value == "0" ? value : "1022", parameters.Warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_later_number_replaces_an_earlier_one_and_its_warning()
    {
        Assert.Equal((8, null), Limit("maxcows=0", "maxcows=8"));
        Assert.Equal(16, Limit("maxcows=8", "maxcows=0").MaxDevices);

        static (int MaxDevices, string? Warning) Limit(params string[] arguments)
        {
            LoadParameters parameters = LoadParameters.Parse(arguments);
            return (parameters.MaxDevices, parameters.Warning);
        }
    }

    [Theory]
    [InlineData("maxcows=")]
    [InlineData("maxcows=many")]
    [InlineData("maxcows=1.5")]
    [InlineData("maxcows= 4")]
    [InlineData("maxcows=0x10")]
    [InlineData("maxcows=99999999999")]
    [InlineData("maxcows")]
    [InlineData("MAXCOWS=4")]
    [InlineData("")]
    [InlineData("=4")]
    [InlineData("minor=4")]
    public void What_cannot_be_understood_is_refused(string argument)
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => LoadParameters.Parse([argument]));

        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.Contains(argument, exception.Message, StringComparison.Ordinal);
        Assert.NotNull(exception.Hint);
    }

    [Fact]
    public void Both_files_are_the_first_device_in_any_order()
    {
        var expected = new LoadParameters(4, "/a=b.img", "my.cow", false, null);

        Assert.Equal(expected, LoadParameters.Parse(["rdofile=/a=b.img", "cowfile=my.cow", "maxcows=4"]));
        Assert.Equal(expected, LoadParameters.Parse(["maxcows=4", "cowfile=my.cow", "rdofile=/a=b.img"]));
    }

    [Theory]
    [InlineData("rdofile=disk.img")]
    [InlineData("cowfile=my.cow")]
    public void One_file_alone_is_refused(string argument)
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => LoadParameters.Parse([argument, "maxcows=4"]));

        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.Equal("only one filename specified", exception.Message);
    }

    [Theory]
    [InlineData("r", true)]
    [InlineData("xry", true)]
    [InlineData("rrr", true)]
    [InlineData("R", false)]
    [InlineData("", false)]
    [InlineData("none", false)]
    public void The_repair_wish_is_an_r_anywhere(string value, bool expected) =>
        Assert.Equal(expected, LoadParameters.Parse([$"option={value}"]).Repair);
}
