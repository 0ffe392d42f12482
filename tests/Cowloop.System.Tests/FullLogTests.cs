using System.Globalization;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>No space for the log: the devices come first.</summary>
public class FullLogTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("dd")]
    public void Devices_come_and_go_and_the_service_drains_though_nothing_can_be_logged()
    {
        Service.Stop();
        string image = NumbersBase();
        using Mount small = Cowloop.Tests.Support.Mount.Of("cowtest", Service.RunDirectory, "-t", "tmpfs", "-o", "size=64k,mode=755");
        CowDisk used = Attach(image, "used.cow");
        int process = Service.ProcessId;
        bool isDone = false;
        try
        {
            Assert.NotEqual(0, Shell.Try("dd", "if=/dev/zero", $"of={small["full"]}", "bs=4k", "status=none").ExitCode);
            FillTail();
            string log = Service.Log;
            for (int round = 0; round < 3; round++)
            {
                CowDisk disk = Attach(image, "changes.cow");
                BlockIo.Write(disk.Path, 0, Data.Fill((byte)round, 1024));
                Service.Detach(disk);
                Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1);
            }
            // The proof of the proof: there was no space indeed.
            Assert.Equal(log, Service.Log);

            using (File.OpenRead(used.Path))
            {
                CowService.Terminate(process);
                Poll.Until("the service is about to end", () => Service.Cowloop("status").Output.Contains("ends with the last", StringComparison.Ordinal));
            }
            Poll.Until("the service has ended", () => !CowService.IsAlive(process));
            Assert.Equal(0, File.ReadAllBytes(used.Cowfile)[6] & 1);
            isDone = true;
        }
        finally
        {
            if (!isDone && CowService.IsAlive(process))
            {
                CowService.Kill(process);
                Shell.Try("umount", "-l", Service.Paths.StatusDirectory);
            }
        }
    }

    /// <summary>Fills the page of the log that is there already.</summary>
    private void FillTail()
    {
        const int PageBytes = 4096;
        long length = new FileInfo(Service.Paths.Log).Length;
        string rest = (PageBytes - length % PageBytes).ToString(CultureInfo.InvariantCulture);
        Shell.RunScript($"head -c {rest} /dev/zero | tr '\\0' . >>{Service.Paths.Log}");
    }
}
