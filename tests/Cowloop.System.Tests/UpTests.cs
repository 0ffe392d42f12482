using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>cowloop up: the devices of the cowtab.</summary>
public class UpTests(CowService service, ITestOutputHelper output) : CowtabTest(service, output)
{
    [RootFact]
    public void The_devices_are_made_in_the_order_of_the_table()
    {
        Service.Stop();
        string image = NumbersBase();
        Write("# mine", $"{image} {Temp["one.cow"]} 5", $"{image}\t{Temp["two.cow"]}  3 -");
        CommandResult result = Up().MustSucceed();
        Assert.Equal([Service.Node(5), Service.Node(3)], Lines(result));
        Assert.Equal("", result.Error);
        Assert.Equal([Service.Node(3), Service.Node(5)], Service.ActiveDevices());
        Assert.Equal(Temp["two.cow"], Status(3).GetProperty("cowfilePath").GetString());
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(Service.Node(5)));
    }

    [RootFact]
    public void A_device_that_is_active_already_is_fine_and_silent()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["one.cow"]} 5", $"{image} {Temp["two.cow"]} auto");
        Up().MustSucceed();
        BlockIo.Write(Service.Node(5), 0, Data.Fill(1, 1024));
        MustBeSilent(Up());
        MustBeSilent(Up("5", Temp["two.cow"]));
        Assert.Equal(2, Service.ActiveDevices().Count);
        Assert.Equal(Data.Fill(1, 1024), BlockIo.Read(Service.Node(5), 0, 1024));
    }

    [RootFact]
    public void A_pair_that_was_activated_under_other_names_is_the_same_pair()
    {
        string image = NumbersBase();
        File.CreateSymbolicLink(Temp["link"], image);
        Directory.CreateSymbolicLink(Temp["here"], Temp.Path);
        Attach(Temp["link"], "here/one.cow", Service.Node(2));
        Write($"{image} {Temp["one.cow"]} 2");
        MustBeSilent(Up());
    }

    [RootFact]
    public void Auto_takes_the_lowest_number_that_no_line_has()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["auto.cow"]} auto", $"{image} {Temp["zero.cow"]} 0", $"{image} {Temp["one.cow"]} 1 noauto");
        Assert.Equal([Service.Node(2), Service.Node(0)], Lines(Up().MustSucceed()));
        Assert.Equal(Service.Node(1), Up("1").MustSucceed().Line);
    }

    [RootTheory]
    [InlineData("1")]
    [InlineData("device")]
    [InlineData("cowfile")]
    public void A_noauto_device_waits_until_it_is_named(string name)
    {
        string image = NumbersBase();
        Write($"{image} {Temp["zero.cow"]} 0", $"{image} {Temp["one.cow"]} 1 noauto", $"{image} {Temp["two.cow"]} 2");
        Assert.Equal([Service.Node(0), Service.Node(2)], Lines(Up().MustSucceed()));
        CommandResult result = Up(name switch { "device" => Service.Node(1), "cowfile" => Temp["one.cow"], _ => name });
        Assert.Equal(Service.Node(1), result.MustSucceed().Line);
    }

    [RootFact]
    public void Only_the_named_are_made_and_in_the_order_of_the_table()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["zero.cow"]} 0", $"{image} {Temp["one.cow"]} 1", "a bad line", $"{image} {Temp["two.cow"]} 2");
        CommandResult result = Up("2", "0", "2").MustSucceed();
        Assert.Equal([Service.Node(0), Service.Node(2)], Lines(result));
        Assert.Equal("", result.Error);
    }

    [RootFact]
    public void A_device_can_be_the_base_of_a_later_line()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["lower.cow"]} 1", $"{Service.Node(1)} {Temp["upper.cow"]} 4");
        Assert.Equal([Service.Node(1), Service.Node(4)], Lines(Up().MustSucceed()));
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(Service.Node(4)));
        MustBeSilent(Up());
    }

    [RootFact]
    public void A_path_may_have_blanks()
    {
        string image = Base(Data.RandomFile(Temp["the image"], 1, 1024 * 1024));
        Write($"{Escape(image)} {Escape(Temp["my changes"])} 0");
        Up().MustSucceed();
        Assert.Equal(Temp["my changes"], Status(0).GetProperty("cowfilePath").GetString());
    }

    [RootFact]
    public void A_bad_line_is_named_and_the_others_are_done()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["zero.cow"]} 0", $"{image} {Temp["one.cow"]} one", $"{image} {Temp["two.cow"]} 2");
        CommandResult result = Up().MustExitWith(2);
        Assert.Equal([Service.Node(0), Service.Node(2)], Lines(result));
        Assert.StartsWith($"cowloop: {Table}:2: 'one' is not a device number", Assert.Single(result.ErrorLines), StringComparison.Ordinal);
    }

    [RootTheory]
    [InlineData("-", 2)]
    [InlineData("nofail", 0)]
    public void A_missing_base_is_named_and_the_others_are_done(string options, int exitCode)
    {
        string image = NumbersBase();
        Write($"{Temp["missing"]} {Temp["zero.cow"]} 0 {options}", $"{image} {Temp["one.cow"]} 1");
        CommandResult result = Up().MustExitWith(exitCode);
        Assert.Equal([Service.Node(1)], Lines(result));
        string line = Assert.Single(result.ErrorLines);
        Assert.StartsWith($"cowloop: {Table}:1: open of rdofile {Temp["missing"]} failed: No such file or directory", line, StringComparison.Ordinal);
        Assert.False(File.Exists(Temp["zero.cow"]));
    }

    [RootFact]
    public void A_number_that_another_pair_has_is_refused_and_that_pair_stays()
    {
        string image = NumbersBase();
        CowDisk other = Attach(image, "other.cow", Service.Node(1));
        Write($"{image} {Temp["one.cow"]} 1", $"{image} {Temp["two.cow"]} 2");
        CommandResult result = Up().MustExitWith(2);
        Assert.Equal([Service.Node(2)], Lines(result));
        Assert.Contains($"{Table}:1: cowdevice 1 is active with another pair, {image} and {other.Cowfile}", result.Error, StringComparison.Ordinal);
        Assert.Equal(other.Cowfile, Status(1).GetProperty("cowfilePath").GetString());
        Assert.False(File.Exists(Temp["one.cow"]));
    }

    [RootFact]
    public void A_cowfile_that_is_active_under_another_number_is_refused()
    {
        string image = NumbersBase();
        Attach(image, "one.cow", Service.Node(3));
        Write($"{image} {Temp["one.cow"]} 1");
        Assert.Contains("already in use as cow of cowdevice 3", Up().MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Assert.Equal([Service.Node(3)], Service.ActiveDevices());
    }

    [RootFact]
    public void The_service_that_it_starts_has_room_for_the_highest_number()
    {
        Service.Stop();
        Write($"{NumbersBase()} {Temp["last.cow"]} 1021");
        Assert.Equal(Service.Node(1021), Up().MustSucceed().Line);
    }

    [RootFact]
    public void A_running_service_without_room_for_a_number_is_named_as_the_reason()
    {
        Service.Stop();
        Service.Cowloop("load", "maxcows=2").MustSucceed();
        Write($"{NumbersBase()} {Temp["two.cow"]} 2");
        Assert.Contains("numbers go from 0 to 1; load the service with a higher maxcows", Up().MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
    }

    [RootTheory]
    [InlineData("-", false)]
    [InlineData("accept-base", true)]
    public void A_base_that_others_write_to_is_taken_only_with_that_option(string options, bool isTaken)
    {
        string image = Data.NumbersFile(Temp["R"]);
        using LoopBack loop = LoopBack.Of(image);
        Write($"{image} {Temp["one.cow"]} 1 {options}");
        CommandResult result = Up().MustExitWith(isTaken ? 0 : 2);
        Assert.Equal(isTaken ? [Service.Node(1)] : [], Lines(result));
        Assert.Equal(!isTaken, result.Error.Contains("is in use", StringComparison.Ordinal));
        Down().MustSucceed();
    }

    [RootTheory]
    [InlineData("")]
    [InlineData("# nothing\n\n")]
    public void An_empty_table_starts_no_service(string text)
    {
        Service.Stop();
        File.WriteAllText(Table, text);
        MustBeSilent(Up());
        Assert.False(Service.IsRunning);
    }

    [RootFact]
    public void A_missing_table_is_named()
    {
        Assert.Contains($"cannot read {Table}: No such file or directory", Up().MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Assert.Contains($"cannot read {Table}: No such file or directory", Down().MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
    }

    [RootFact]
    public void A_name_that_the_table_does_not_have_is_refused_before_anything_is_done()
    {
        Write($"{NumbersBase()} {Temp["one.cow"]} 1");
        foreach (string name in new[] { "2", Service.Node(2), Temp["R"], "one", "" })
        {
            string error = Up("1", name).MustExitWith(2).MustBeForPeople(1).Error;
            Assert.Contains($"{Table} has no device '{name}'", error, StringComparison.Ordinal);
        }
        Assert.Empty(Service.ActiveDevices());
    }

    [RootFact]
    public void A_name_that_may_be_in_a_bad_line_brings_that_line_up()
    {
        Write($"{NumbersBase()} {Temp["one.cow"]} 1 noauto,nonsense");
        CommandResult result = Up("1").MustExitWith(2).MustBeForPeople(2);
        Assert.Contains($"{Table}:1: unknown option 'nonsense'", result.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("has no device '1'", result.ErrorLines[1], StringComparison.Ordinal);
    }

    [RootFact]
    public void The_service_is_not_started_where_that_is_forbidden()
    {
        Service.Stop();
        Write($"{NumbersBase()} {Temp["one.cow"]} 1");
        Assert.Contains("cowloop is not loaded", Run("up", [], autostart: "0").MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Assert.False(Service.IsRunning);
    }

    [RootFact("setpriv")]
    public void Without_root_it_says_so()
    {
        Service.Stop();
        Write($"{NumbersBase()} {Temp["one.cow"]} 1");
        Shell.Run("chmod", "755", Temp.Path);
        var options = new ShellOptions { Environment = new Dictionary<string, string>(Service.Environment) { ["COWLOOP_TAB"] = Table } };
        string[] up = ["--reuid=65534", "--regid=65534", "--clear-groups", Repository.Program("cowloop"), "up"];
        Assert.Contains("root", Shell.Try(options, "setpriv", up).MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
    }

    private static string Escape(string path) => path.Replace(" ", @"\040", StringComparison.Ordinal);

    private JsonElement Status(int number) => Service.Status(new CowDisk(Service.Node(number), "", ""));
}
