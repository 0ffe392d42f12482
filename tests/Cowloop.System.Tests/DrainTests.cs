using System.Globalization;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Once asked to end with the last device, the service does, whatever comes in between.</summary>
public class DrainTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_refused_deactivation_and_a_refused_unload_do_not_undo_it()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image);
        using Mount mount = Mount(disk.Path);
        Terminate();
        MustTakeNoDevices(image);

        Service.Cowdev("-d", disk.Path).MustRefuse(2, "deactivate existing cowdevice: Device or resource busy", mount.Path);
        MustTakeNoDevices(image);
        Service.Cowloop("unload").MustRefuse(2, "unload cowloop: Device or resource busy", mount.Path);
        MustTakeNoDevices(image);
        File.WriteAllText(mount["late"], "written while draining\n");

        mount.Unmount();
        Poll.UntilNone("left by the service", Service.LeftOvers);
        Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1);
        using Mount check = Mount(Attach(image).Path);
        Assert.Equal("written while draining\n", File.ReadAllText(check["late"]));
    }

    /// <summary>At a shutdown the filesystem that the hook is on may be unmounted before.</summary>
    [RootFact]
    public void A_hook_that_is_gone_keeps_no_device()
    {
        string image = NumbersBase();
        string hook = Temp["hook"];
        File.WriteAllText(hook, "#!/bin/sh\n");
        File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        CowDisk[] disks = [.. Enumerable.Range(0, 2).Select(index =>
        {
            string cowfile = Temp[$"{index}.cow"];
            return new CowDisk(Service.Cowloop("attach", image, cowfile, "--hook", hook).MustSucceed().Line, image, cowfile);
        })];
        Array.ForEach(disks, disk => BlockIo.WriteUnflushed(disk.Path, 0, Data.Fill(1, 1024)));
        File.Delete(hook);

        CowService.Terminate(Service.ProcessId);

        Poll.UntilNone("left by the service", Service.LeftOvers);
        Assert.All(disks, disk => Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1));
    }

    [RootFact("mkfs.ext4", "fsfreeze", "chattr", "fs:ext4")]
    public void An_activation_that_fails_meanwhile_does_not_keep_the_service()
    {
        string image = NumbersBase();
        Service.Detach(Attach(image, "warm-up.cow"));
        int process = Service.ProcessId;
        using LoopBack loop = LoopBack.Of(Images.Ext4(Temp["frozen.img"], 16));
        using Mount frozen = Cowloop.Tests.Support.Mount.Of(loop.Path, Temp["frozen"]);
        // On a frozen filesystem the creation of the cowfile waits; after that it is refused.
        string directory = Directory.CreateDirectory(frozen["immutable"]).FullName;
        Shell.Run("chattr", "+i", directory);
        Shell.Run("fsfreeze", "--freeze", frozen.Path);
        Task<CommandResult> activation;
        try
        {
            activation = Task.Run(() => Service.Cowdev("-a", image, Path.Combine(directory, "x.cow")));
            Poll.Until("the activation waits for the filesystem", () => HasBlockedThread(process));
            Terminate();
        }
        finally
        {
            Shell.Run("fsfreeze", "--unfreeze", frozen.Path);
        }
        activation.GetAwaiter().GetResult().MustRefuse(2, "activate new cowdevice: Invalid argument", "Operation not permitted");
        Poll.UntilNone("left by the service", Service.LeftOvers);
        Shell.Run("chattr", "-i", directory);
    }

    private void Terminate()
    {
        CowService.Terminate(Service.ProcessId);
        Poll.Until("the service is about to end", () => Service.Cowloop("status").Output.Contains("ends with the last", StringComparison.Ordinal));
    }

    private void MustTakeNoDevices(string image)
    {
        Service.Cowdev("-a", image, Temp["late.cow"]).MustRefuse(2, "activate new cowdevice: Device or resource busy", "about to end");
        Assert.False(File.Exists(Temp["late.cow"]));
    }

    /// <summary>True when a thread is in an uninterruptible wait.</summary>
    private static bool HasBlockedThread(int process)
    {
        return Directory.EnumerateDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/task")).Any(IsBlocked);

        static bool IsBlocked(string task)
        {
            try
            {
                string text = File.ReadAllText($"{task}/stat");
                return text[text.LastIndexOf(')') + 2] == 'D';
            }
            catch (IOException)
            {
                return false;
            }
        }
    }
}
