using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Daemon.Tests.Support;
using Cowloop.Tests.Support;

namespace Cowloop.Daemon.Tests.Recovery;

public sealed class SavedDevicesTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Path => _directory["devices"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_one_service_writes_the_next_one_reads()
    {
        SavedDevice[] devices =
        [
            Samples.Device(0),
            Samples.Device(12, lower: 0),
            Samples.InExchange(13),
            Samples.Device(14) with { Mode = DeviceMode.ReadOnly, Cowfile = "", CowfilePath = "", CowfileIdentity = default },
            Samples.Device(1021),
        ];
        SavedDevices saved = Open();
        Assert.Empty(saved.Load());
        foreach (SavedDevice device in devices.Reverse())
        {
            Assert.Null(saved.TryWrite(device));
        }

        Assert.Equivalent(devices, Open().Load(), strict: true);
        Assert.Equal(["0.json", "1021.json", "12.json", "13.json", "14.json"], Names());
    }

    [Fact]
    public void A_device_that_is_written_again_takes_the_place_of_the_former()
    {
        SavedDevices saved = Open();
        Assert.Null(saved.TryWrite(Samples.Device(3)));
        Assert.Null(saved.TryWrite(Samples.Device(3) with { BasePath = "/elsewhere" }));

        Assert.Equal("/elsewhere", Assert.Single(Open().Load()).BasePath);
    }

    [Fact]
    public void A_device_that_is_gone_is_in_no_list()
    {
        SavedDevices saved = Open();
        Assert.Null(saved.TryWrite(Samples.Device(3)));
        saved.Remove(3);
        saved.Remove(3);

        Assert.Empty(Open().Load());
        Assert.Null(saved.TryChange(3, device => device));
        Assert.Empty(Names());
    }

    [Fact]
    public void What_changes_is_written()
    {
        SavedDevices saved = Open();
        Assert.Null(saved.TryWrite(Samples.Device(3)));
        Assert.Null(saved.TryChange(3, device => device with { Access = CowfileAccess.Closed }));

        Assert.Equal(CowfileAccess.Closed, Assert.Single(Open().Load()).Access);
    }

    [Fact]
    public void Another_boot_has_nothing_to_do_with_it()
    {
        Assert.Null(Open().TryWrite(Samples.Device(3)));

        Assert.Empty(new SavedDevices(Path, Guid.NewGuid()).Load());

        Assert.Empty(Names());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("\0\0\0\0")]
    public void What_makes_no_sense_is_put_aside(string text)
    {
        SavedDevices saved = Open();
        Assert.Null(saved.TryWrite(Samples.Device(1)));
        File.WriteAllText($"{Path}/0.json", text);

        Assert.Equal(1, Assert.Single(Open().Load()).Number);

        Assert.Equal(["0.json.damaged", "1.json"], Names());
        Assert.Equal(text, File.ReadAllText($"{Path}/0.json.damaged"));
    }

    [Fact]
    public void A_file_under_another_number_is_put_aside()
    {
        Assert.Null(Open().TryWrite(Samples.Device(1)));
        File.Move($"{Path}/1.json", $"{Path}/2.json");

        Assert.Empty(Open().Load());

        Assert.Equal(["2.json.damaged"], Names());
    }

    [Fact]
    public void No_damage_is_more_than_a_device_less()
    {
        Assert.Null(Open().TryWrite(Samples.Device(1)));
        byte[] good = File.ReadAllBytes($"{Path}/1.json");
#pragma warning disable CA5394 // Test data, no secret.
        var random = new Random(1);
        for (int round = 0; round < 500; round++)
        {
            byte[] bad = [.. good];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            }
            File.WriteAllBytes($"{Path}/1.json", round % 5 == 0 ? bad[..random.Next(bad.Length)] : bad);
            Assert.InRange(Open().Load().Count, 0, 1);
        }
#pragma warning restore CA5394
    }

    [Fact]
    public void What_was_half_written_goes_and_foreign_files_stay()
    {
        Assert.Null(Open().TryWrite(Samples.Device(1)));
        File.WriteAllText($"{Path}/2.json.new", "{");
        File.WriteAllText($"{Path}/notes", "mine");

        Assert.Single(Open().Load());

        Assert.Equal(["1.json", "notes"], Names());
    }

    /// <summary>One that knows of no layers.</summary>
    [Fact]
    public void An_older_program_has_written_less()
    {
        Assert.Null(Open().TryWrite(Samples.Device(1)));
        string path = $"{Path}/1.json";
        string[] lines = File.ReadAllLines(path);
        File.WriteAllLines(path, lines.Where(line => !line.Contains("\"layers\"", StringComparison.Ordinal)
            && !line.Contains("\"mode\"", StringComparison.Ordinal)
            && !line.Contains("\"exchange\"", StringComparison.Ordinal)));
        Assert.Equal(lines.Length - 3, File.ReadAllLines(path).Length);

        SavedDevice device = Assert.Single(Open().Load());

        Assert.Equivalent(Samples.Device(1), device, strict: true);
        Assert.Equivalent(Samples.Device(1).ToRequest(), device.ToRequest(), strict: true);
    }

    [Fact]
    public void A_newer_program_may_write_more()
    {
        Assert.Null(Open().TryWrite(Samples.Device(1)));
        string path = $"{Path}/1.json";
        File.WriteAllText(path, File.ReadAllText(path).Replace("{\n  \"number\"", "{\n  \"later\": [1],\n  \"number\"", StringComparison.Ordinal));
        Assert.Contains("later", File.ReadAllText(path), StringComparison.Ordinal);

        Assert.Equivalent(Samples.Device(1), Assert.Single(Open().Load()), strict: true);
    }

    [Fact]
    public void What_cannot_be_written_is_said_and_what_was_there_does()
    {
        SavedDevices saved = Open();
        Assert.Null(saved.TryWrite(Samples.Device(1)));
        Directory.CreateDirectory($"{Path}/1.json.new");

        Assert.NotNull(saved.TryChange(1, device => device with { Settings = new DeviceSettings("error", "", "") }));

        Assert.Equivalent(Samples.Device(1), Assert.Single(Open().Load()), strict: true);
    }

    [Fact]
    public void Nothing_is_left_when_what_was_there_would_take_what_is_not_the_devices_any_more()
    {
        SavedDevices saved = Open();
        Assert.Null(saved.TryWrite(Samples.Device(1)));
        Directory.CreateDirectory($"{Path}/1.json.new");

        Assert.NotNull(saved.TryChange(1, device => device with { Access = CowfileAccess.Closed }));

        Assert.Equal(["1.json.new"], [.. Directory.GetFileSystemEntries(Path).Select(path => System.IO.Path.GetFileName(path))]);
        Assert.Null(saved.TryChange(1, device => device));
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_an_error()
    {
        File.WriteAllText(Path, "in the way");
        Assert.Equal(Errno.EACCES, Assert.Throws<CowloopException>(Open).Errno);
    }

    private SavedDevices Open() => new(Path, Samples.BootId);

    private string[] Names() => [.. Directory.GetFiles(Path).Select(path => System.IO.Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
