using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>One base under many devices.</summary>
public class SharedBaseTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact]
    public void Eight_devices_of_one_base_know_nothing_of_each_other()
    {
        string image = NumbersBase();
        byte[] original = File.ReadAllBytes(image);
        CowDisk[] disks = [.. Enumerable.Range(0, 8).Select(index => Attach(image, $"{index}.cow"))];
        for (int index = 0; index < disks.Length; index++)
        {
            BlockIo.Write(disks[index].Path, 2048 * index, Data.Fill((byte)(index + 1), 4096));
        }
        for (int index = 0; index < disks.Length; index++)
        {
            byte[] expected = [.. original];
            Data.Fill((byte)(index + 1), 4096).CopyTo(expected, 2048 * index);
            Assert.Equal(expected, BlockIo.Read(disks[index].Path, 0, expected.Length));
        }
    }
}
