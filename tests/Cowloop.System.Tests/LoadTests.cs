using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>cowloop load and its parameters.</summary>
public class LoadTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootTheory]
    [InlineData("0")]
    [InlineData("-3")]
    [InlineData("1025")]
    public void T76_an_impossible_maxcows_is_16_with_a_warning(string value)
    {
        Service.Stop();
        CommandResult result = Service.Cowloop("load", $"maxcows={value}").MustSucceed();
        Assert.Contains("warning: maxcows", result.Error, StringComparison.Ordinal);
        Assert.Equal(16, MaxDevices());
    }

    [RootTheory]
    [InlineData(1)]
    [InlineData(1022)]
    public void T76_maxcows_is_the_number_of_devices(int value)
    {
        Service.Stop();
        Assert.Equal("", Service.Cowloop("load", $"maxcows={value.ToString(CultureInfo.InvariantCulture)}").MustSucceed().Error);
        Assert.Equal(value, MaxDevices());
        string image = NumbersBase();
        Assert.Equal(Service.Node(value - 1), Service.Attach(image, Temp["x.cow"], Service.Node(value - 1)).Path);
        Service.Cowdev("-a", image, Temp["y.cow"], Service.Node(value)).MustRefuse(2, "activate new cowdevice: Invalid argument");
    }

    [RootTheory]
    [InlineData("rdofile")]
    [InlineData("cowfile")]
    public void T76_one_filename_alone_is_refused(string parameter)
    {
        Service.Stop();
        CommandResult result = Service.Cowloop("load", $"{parameter}={NumbersBase()}").MustExitWith(2).MustBeForPeople(2);
        Assert.Contains("only one filename specified", result.Error, StringComparison.Ordinal);
        Assert.False(Service.IsRunning);
    }

    [RootFact]
    public void A_first_pair_becomes_device_0()
    {
        Service.Stop();
        string image = NumbersBase();
        CommandResult result = Service.Cowloop("load", "maxcows=4", $"rdofile={image}", $"cowfile={Temp["x.cow"]}").MustSucceed();
        Assert.Equal(Service.Node(0), result.Line);
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(Service.Node(0)));
        Assert.Contains($"initialized on rdofile={image}", Service.Log, StringComparison.Ordinal);
    }

    [RootFact]
    public void A_first_pair_that_fails_fails_the_load()
    {
        Service.Stop();
        var before = DirectorySnapshot.Of(Temp.Path);
        CommandResult result = Service.Cowloop("load", $"rdofile={Temp["missing"]}", $"cowfile={Temp["x.cow"]}").MustExitWith(2).MustBeForPeople(2);
        Assert.Contains($"{Temp["missing"]} failed: No such file or directory", result.Error, StringComparison.Ordinal);
        Assert.False(Service.IsRunning);
        before.MustBeUnchanged();
        Assert.Empty(Service.LeftOvers());
    }

    [RootTheory]
    [InlineData("option=r")]
    [InlineData("option=xr")]
    [InlineData("option=rr")]
    public void T77_a_dirty_cowfile_is_repaired_while_loading(string option)
    {
        Service.Stop();
        string cowfile = Golden.ImageG5.Write(Temp["G5"]);
        CommandResult result = Service.Cowloop("load", $"rdofile={NumbersBase()}", $"cowfile={cowfile}", option).MustSucceed();
        Assert.Equal(Service.Node(0) + "\n", result.Output);
        // Both blocks are there; the original lost the second one.
        Assert.Equal(Data.Fill(0x41, 1024), BlockIo.Read(Service.Node(0), 0, 1024));
        Assert.Equal(Data.Fill(0x42, 1024), BlockIo.Read(Service.Node(0), 2048, 1024));
        Service.Cowdev("-d", Service.Node(0)).MustSucceed();
        Assert.Equal("e079f6e6f3e6f3d28771c6addb48aed75259fca1c4918a314f0149d55924b63d", FileSnapshot.HashOf(cowfile));
    }

    [RootFact]
    public void A_dirty_cowfile_of_another_base_is_not_repaired_while_loading()
    {
        Service.Stop();
        string cowfile = Golden.ImageG5.Write(Temp["G5"]);
        var before = FileSnapshot.Of(cowfile);
        string other = Temp["other"];
        File.WriteAllBytes(other, Data.Random(7, 1 << 20));
        CommandResult result = Service.Cowloop("load", $"rdofile={other}", $"cowfile={cowfile}", "option=r").MustExitWith(2).MustBeForPeople(2);
        Assert.Contains("fingerprint err", result.Error, StringComparison.Ordinal);
        before.MustBeUnchanged();
    }

    [RootTheory]
    [InlineData("option=R")]
    [InlineData("option=x")]
    [InlineData("")]
    public void T77_a_dirty_cowfile_is_refused_without_the_option(string option)
    {
        Service.Stop();
        string image = NumbersBase();
        string cowfile = Golden.ImageG5.Write(Temp["G5"]);
        var before = FileSnapshot.Of(cowfile);
        CommandResult result = Service.Cowloop(["load", $"rdofile={image}", $"cowfile={cowfile}", .. option.Length > 0 ? [option] : Array.Empty<string>()]);
        result.MustExitWith(2).MustBeForPeople(2);
        Assert.Contains(cowfile, result.Error, StringComparison.Ordinal);
        Assert.Contains($"cowrepair {cowfile}", result.Error, StringComparison.Ordinal);
        Assert.False(Service.IsRunning);
        before.MustBeUnchanged();
    }

    [RootFact]
    public void T77_option_r_is_not_for_later_activations()
    {
        Service.Stop();
        string image = NumbersBase();
        string cowfile = Golden.ImageG5.Write(Temp["G5"]);
        var before = FileSnapshot.Of(cowfile);
        Service.Cowloop("load", $"rdofile={image}", $"cowfile={Temp["x.cow"]}", "option=r").MustSucceed();
        Service.Cowdev("-a", image, cowfile)
            .MustRefuse(2, "activate new cowdevice: Invalid argument", $"cowfile {cowfile} is dirty (not properly closed by rmmod?)");
        before.MustBeUnchanged();
    }

    [RootFact]
    public void Loading_twice_is_refused_and_disturbs_nothing()
    {
        CowDisk disk = Attach(NumbersBase());
        CommandResult result = Service.Cowloop("load").MustExitWith(2).MustBeForPeople(2);
        Assert.Contains("loaded already", result.Error, StringComparison.Ordinal);
        Assert.Equal(FileSnapshot.HashOf(disk.Image), FileSnapshot.HashOf(disk.Path));
    }

    [RootTheory]
    [InlineData("maxcows=many")]
    [InlineData("nonsense=1")]
    [InlineData("word")]
    public void A_wrong_parameter_is_named(string parameter)
    {
        Service.Stop();
        CommandResult result = Service.Cowloop("load", parameter).MustExitWith(2).MustBeForPeople(2);
        Assert.Contains(parameter, result.Error, StringComparison.Ordinal);
        Assert.False(Service.IsRunning);
    }

    private int MaxDevices()
    {
        using var status = JsonDocument.Parse(Service.Cowloop("status", "--json").MustSucceed().Output);
        return status.RootElement.GetProperty("maxDevices").GetInt32();
    }
}
