using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What systemd and udev make of what is installed. Neither has to run.</summary>
public partial class BootUnitTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("make", "systemd-analyze", "systemctl")]
    public void Systemd_has_nothing_to_complain_about()
    {
        using var tree = new InstalledTree();
        Shell.Run("systemctl", $"--root={tree[""]}", "enable", "cowloop.service");
        Assert.Equal("", tree.Verify("cowloop.service", "cowloopd.service", "local-fs.target"));
    }

    [RootFact("make", "systemd-analyze")]
    public void Systemd_complains_where_there_is_reason()
    {
        using var tree = new InstalledTree();
        string unit = tree["usr/local/lib/systemd/system/cowloopd.service"];
        File.WriteAllText(unit, File.ReadAllText(unit).Replace("SendSIGKILL", "SendSigkill", StringComparison.Ordinal));
        Assert.Contains("SendSigkill", tree.Verify("cowloop.service", "cowloopd.service"), StringComparison.Ordinal);
    }

    [RootFact("make", "systemd-analyze", "systemctl", "systemd-escape")]
    public void Devices_stand_between_the_filesystem_of_their_files_and_their_own()
    {
        using var tree = new InstalledTree();
        Shell.Run("systemctl", $"--root={tree[""]}", "enable", "cowloop.service");
        Mount(tree, "srv", "/dev/vdb");
        Mount(tree, "data", "/dev/cow/3");
        tree.Write("etc/cowloop/cowtab", "/srv/base.img /srv/my.cow 3");
        tree.Generate();
        Assert.Equal("", tree.Verify("cowloop.service", "local-fs.target"));

        // The order is there indeed: a file on its own device's filesystem makes it a circle.
        tree.Write("etc/cowloop/cowtab", "/data/base.img /srv/my.cow 3");
        tree.Generate();
        string complaint = tree.Verify("cowloop.service", "local-fs.target");
        Assert.Contains("ordering cycle", complaint, StringComparison.Ordinal);
        Assert.Contains("data.mount", complaint, StringComparison.Ordinal);
    }

    [RootFact("make", "systemd-escape")]
    public void The_generator_says_what_the_devices_wait_for_and_what_waits_for_them()
    {
        using var tree = new InstalledTree();
        tree.Write(
            "etc/cowloop/cowtab",
            "# BASE COWFILE NUMBER OPTIONS",
            @"/srv/the\040100%.img  /var/lib/one.cow  0",
            "/dev/vg/base-1  /images/deep/two.cow  12 repair,nofail",
            "/dev/cow/0  /images/three.cow  auto noauto",
            "/dev/vdb  /images/four.cow  auto noauto",
            "/dev/vdc  /five.cow  5",
            "a bad line",
            "/dev/cow/5");
        tree.Write("etc/fstab", "# /dev/cow/9p1 /no ext4", "/dev/cow/0 /zero ext4 defaults 0 2", "/dev/cow/12p1\t/part ext4", "LABEL=x / ext4");
        Assert.Equal(
            """
            [Unit]
            RequiresMountsFor="/srv/the 100%%.img"
            RequiresMountsFor="/var/lib/one.cow"
            Wants=blockdev@dev-cow-0.target
            Before=blockdev@dev-cow-0.target
            Wants=dev-vg-base\x2d1.device
            After=dev-vg-base\x2d1.device
            After=images-deep.mount images.mount
            Wants=blockdev@dev-cow-12.target
            Before=blockdev@dev-cow-12.target
            Requires=dev-vdc.device
            After=dev-vdc.device
            RequiresMountsFor="/five.cow"
            Wants=blockdev@dev-cow-5.target
            Before=blockdev@dev-cow-5.target
            Wants=blockdev@dev-cow-12p1.target
            Before=blockdev@dev-cow-12p1.target

            """.ReplaceLineEndings("\n"),
            tree.Generate());
    }

    [RootFact("make")]
    public void The_generator_does_nothing_without_a_table()
    {
        using var tree = new InstalledTree();
        var options = new ShellOptions { Environment = new Dictionary<string, string> { ["COWLOOP_TAB"] = Temp["missing"] } };
        string generator = tree["usr/local/lib/systemd/system-generators/cowloop-generator"];
        CommandResult result = Shell.Try(options, generator, Directory.CreateDirectory(Temp["units"]).FullName).MustSucceed();
        Assert.Equal("", result.Error);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp["units"]));
    }

    [RootFact]
    public void Udev_gives_a_node_that_is_there_its_name_for_systemd()
    {
        CowDisk disk = Attach(NumbersBase());
        string file = Shell.Run("losetup", "--noheadings", "--output", "BACK-FILE", $"/dev/{Service.KernelName(disk)}").Output.Trim();
        string rules = File.ReadAllText(Path.Combine(Repository.Root, "packaging/udev/60-cowloop.rules"));
        Match rule = AliasRule().Match(rules);
        Assert.True(rule.Success, rules);
        Assert.Contains(rule.Groups["files"].Value.Split('|'), pattern => Regex.IsMatch(file, $"^{pattern}$"));

        Assert.Equal($"SYSTEMD_ALIAS={disk.Path}", Import(file, ""));
        Assert.Equal("", Import(file, "p1"));
        Assert.Equal("", Import("/cow9", ""));

        string Import(string backingFile, string part)
        {
            string script = rule.Groups["script"].Value
                .Replace("$attr{loop/backing_file}", backingFile, StringComparison.Ordinal)
                .Replace("$env{COWLOOP_PART}", part, StringComparison.Ordinal)
                .Replace("$$", "$", StringComparison.Ordinal)
                .Replace("/dev/cow/", $"{Service.DeviceDirectory}/", StringComparison.Ordinal);
            return Shell.Run("/bin/sh", "-c", script).Line;
        }
    }

    [GeneratedRegex("""ATTRS\{loop/backing_file\}=="(?<files>[^"]*)", IMPORT\{program\}="/bin/sh -c '(?<script>[^']*)'"\n""")]
    private static partial Regex AliasRule();

    /// <summary>A mount as systemd makes it of a line of fstab.</summary>
    private static void Mount(InstalledTree tree, string directory, string device)
    {
        string unit = $"etc/systemd/system/{directory}.mount";
        tree.Write(unit, "[Unit]", "Before=local-fs.target", "[Mount]", $"What={device}", $"Where=/{directory}", "Type=ext4");
        Directory.CreateDirectory(tree["etc/systemd/system/local-fs.target.requires"]);
        File.CreateSymbolicLink(tree[$"etc/systemd/system/local-fs.target.requires/{directory}.mount"], $"../{directory}.mount");
    }
}
