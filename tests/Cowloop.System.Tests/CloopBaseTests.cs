using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Compressed images (cloop) as bases, made by create_compressed_fs.</summary>
public class CloopBaseTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Invalid = "activate new cowdevice: Invalid argument";
    private const int BlockBytes = 65536;

    [RootFact("create_compressed_fs", "extract_compressed_fs", "mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void Example_2_of_the_documentation_a_compressed_image_is_edited()
    {
        string image = Base(Compressed(Images.Ext4(Temp["image"]), "image.cloop"));
        CowDisk disk = Attach(image);
        Assert.Equal(FileSnapshot.HashOf(Extracted(image)), FileSnapshot.HashOf(disk.Path));
        using (Mount mount = Mount(disk.Path))
        {
            Images.MustHoldContent(mount.Path);
            File.Copy(Data.RandomFile(Temp["copied"], 2, 500_000), mount["copied"]);
            File.AppendAllText(mount["greeting"], "and edited\n");
        }
        Service.Detach(disk);

        disk = Attach(image);
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal(Data.Random(2, 500_000), File.ReadAllBytes(mount["copied"]));
            Assert.Equal($"{Images.Greeting}and edited\n", File.ReadAllText(mount["greeting"]));
        }
        Service.Detach(disk);

        disk = Attach(image, "another.cow");
        using Mount untouched = Mount(disk.Path);
        Images.MustHoldContent(untouched.Path);
    }

    [RootTheory("create_compressed_fs", "extract_compressed_fs")]
    [InlineData("512", 300_001)]
    [InlineData("64K", 3_000_000)]
    [InlineData("1M", 11_000_000)]
    public void Whatever_its_block_size_it_is_what_is_extracted(string blockSize, int length)
    {
        byte[] content = [.. Data.Random(3, length / 2), .. new byte[length / 4], .. Data.Fill(7, length - length / 2 - length / 4)];
        File.WriteAllBytes(Temp["plain"], content);
        string image = Base(Compressed(Temp["plain"], "image.cloop", "-B", blockSize));
        byte[] extracted = File.ReadAllBytes(Extracted(image));
        Assert.Equal(content, extracted[..length]);

        CowDisk disk = Attach(image);
        int size = extracted.Length / 1024 * 1024;
        Assert.True(size >= length / 1024 * 1024);
        Assert.Equal(size, BlockIo.SizeOf(disk.Path));
        Assert.Equal(extracted[..size], BlockIo.Read(disk.Path, 0, size));
        BlockIo.Write(disk.Path, 1024, Data.Fill(1, 1536));
        Data.Fill(1, 1536).CopyTo(extracted, 1024);
        Assert.Equal(extracted[..size], BlockIo.Read(disk.Path, 0, size));
    }

    /// <summary>extract_compressed_fs can't read so short ones.</summary>
    [RootFact("create_compressed_fs")]
    public void One_block_is_enough()
    {
        byte[] content = Data.Random(13, BlockBytes);
        File.WriteAllBytes(Temp["plain"], content);
        CowDisk disk = Attach(Base(Compressed(Temp["plain"], "image.cloop")));
        Assert.Equal(content, BlockIo.Read(disk.Path, 0, BlockBytes));
    }

    /// <summary>The length that counts is that of the content, not that of the file.</summary>
    [RootFact("create_compressed_fs")]
    public void The_warning_of_a_tail_is_about_the_content()
    {
        string even = Base(Compressed(Data.RandomFile(Temp["even"], 1, 100 * 1024), "even.cloop", "-B", "1K"));
        Assert.NotEqual(0, new FileInfo(even).Length % 1024);
        Assert.Equal("", Service.Cowdev("-a", even, Temp["even.cow"]).MustSucceed().Error);

        string odd = Base(Compressed(Data.RandomFile(Temp["odd"], 1, 100 * 1024 + 512), "odd.cloop", "-B", "512"));
        Assert.Contains($"rdofile {odd} truncated to multiple of 1024 bytes\n", Service.Cowdev("-a", odd, Temp["odd.cow"]).MustSucceed().Error, StringComparison.Ordinal);
    }

    [RootFact("create_compressed_fs", "losetup", "mkfs.ext4", "fs:ext4")]
    public void A_block_device_that_holds_one()
    {
        string image = Compressed(Images.Ext4(Temp["image"], blockBytes: 4096), "image.cloop");
        // A whole number of its sectors: what follows the blocks does not count.
        using (FileStream file = File.OpenWrite(image))
        {
            file.SetLength((file.Length + 4095) / 4096 * 4096);
        }
        using LoopBack loop = LoopBack.ReadOnly(Base(image), "--sector-size", "4096");
        CowDisk disk = Attach(loop.Path);
        Assert.Equal(64 << 20, BlockIo.SizeOf(disk.Path));
        Assert.Equal("512", Shell.Run("blockdev", "--getss", disk.Path).Line);
        using (Mount mount = Mount(disk.Path))
        {
            Images.MustHoldContent(mount.Path);
        }
        Service.Detach(disk);
    }

    [RootFact("create_compressed_fs")]
    public void A_damaged_block_is_an_error_for_its_range_only()
    {
        byte[] content = Data.Random(4, 20 * BlockBytes);
        File.WriteAllBytes(Temp["plain"], content);
        string image = Compressed(Temp["plain"], "image.cloop");
        byte[] bytes = File.ReadAllBytes(image);
        CloopBytes.DamageBlock(bytes, 7);
        File.WriteAllBytes(image, bytes);
        Base(image);

        CowDisk disk = Attach(image);
        for (int number = 0; number < 20; number++)
        {
            if (number == 7)
            {
                foreach (int offset in new[] { 0, 4096, BlockBytes - 4096 })
                {
                    BlockIo.TryRead(disk.Path, 7 * BlockBytes + offset, 4096).MustComplain(1, "Input/output error");
                }
                continue;
            }
            Assert.Equal(content[(number * BlockBytes)..((number + 1) * BlockBytes)], BlockIo.Read(disk.Path, number * BlockBytes, BlockBytes));
        }
        // What is written over it whole needs nothing of it.
        byte[] mended = Data.Random(5, BlockBytes);
        BlockIo.Write(disk.Path, 7 * BlockBytes, mended);
        Assert.Equal(mended, BlockIo.Read(disk.Path, 7 * BlockBytes, BlockBytes));
        Service.Detach(disk);
        Assert.Equal(mended, BlockIo.Read(Attach(image).Path, 7 * BlockBytes, BlockBytes));
    }

    [RootFact("create_compressed_fs")]
    public void A_damaged_index_is_refused_with_what_is_wrong()
    {
        string image = Compressed(Data.RandomFile(Temp["plain"], 6, 10 * BlockBytes), "image.cloop");
        byte[] good = File.ReadAllBytes(image);

        Refuse(image, Changed(bytes => CloopBytes.PutEntry(bytes, 5, 12)), "has a damaged index: block 4 is said to lie between the bytes");
        Refuse(image, Changed(bytes => bytes[CloopBytes.BlockSizeOffset + 3] = 1), "has a damaged header: 10 blocks of 65537 bytes");
        Refuse(image, Changed(bytes => bytes[CloopBytes.BlockCountOffset] = 0x7F), "is too large to be read as it is");
        Refuse(image, good[..^1], $"is incomplete: it has {good.Length - 1} bytes, and its blocks reach to byte {good.Length} at least");
        Refuse(image, good[..150], "is incomplete: it has 150 bytes, and its index ends at byte 224");

        byte[] Changed(Action<byte[]> change)
        {
            byte[] bytes = [.. good];
            change(bytes);
            return bytes;
        }
    }

    /// <summary>They share one opening of it, and each goes when it likes; the image is let go of with the last.</summary>
    [RootFact("create_compressed_fs")]
    public void Two_devices_share_one()
    {
        byte[] content = Data.Random(8, 40 * BlockBytes);
        File.WriteAllBytes(Temp["plain"], content);
        string image = Base(Compressed(Temp["plain"], "image.cloop"));
        File.CreateSymbolicLink(Temp["link.cloop"], image);
        CowDisk first = Attach(image, "first.cow");
        CowDisk second = Attach(Temp["link.cloop"], "second.cow");
        Assert.Single(OpeningsOf(image));

        BlockIo.Write(first.Path, 100 * 1024, Data.Fill(1, 2048));
        Assert.Equal(content, BlockIo.Read(second.Path, 0, content.Length));
        Service.Detach(first);
        Assert.Single(OpeningsOf(image));
        Assert.Equal(content, BlockIo.Read(second.Path, 0, content.Length));
        Service.Detach(second);
        Assert.Empty(OpeningsOf(image));
    }

    /// <summary>An image that is replaced in place while a device has the former content is not that content.</summary>
    [RootFact("create_compressed_fs")]
    public void One_that_has_changed_is_another_one()
    {
        byte[][] contents = [Data.Random(9, 4 * BlockBytes), Data.Random(10, 4 * BlockBytes)];
        string[] images = [.. contents.Select((content, index) =>
        {
            File.WriteAllBytes(Temp[$"plain{index}"], content);
            return Compressed(Temp[$"plain{index}"], $"{index}.cloop");
        })];
        CowDisk former = Attach(images[0], "former.cow");
        File.WriteAllBytes(images[0], File.ReadAllBytes(images[1]));
        CowDisk latter = Attach(images[0], "latter.cow");
        Assert.Equal(contents[1], BlockIo.Read(latter.Path, 0, contents[1].Length));
        Assert.Equal(2, OpeningsOf(images[0]).Count());
        Service.Detach(former);
        Service.Detach(latter);
        Service.Cowdev("-a", images[0], former.Cowfile).MustRefuse(2, Invalid, "has changed since cowfile");
    }

    [RootFact("create_compressed_fs", "extract_compressed_fs")]
    public void Changes_can_be_merged_into_what_is_extracted()
    {
        string image = Base(Compressed(Data.RandomFile(Temp["plain"], 11, 10 * BlockBytes), "image.cloop"));
        CowDisk disk = Attach(image);
        BlockIo.Write(disk.Path, 5 * 1024, Data.Random(12, 3072));
        byte[] expected = BlockIo.Read(disk.Path, 0, 10 * BlockBytes);
        Service.Detach(disk);

        Service.Run("cowmerge", "-y", image, disk.Cowfile).MustComplain(1, $"{image} is a compressed image (cloop)", $"extract_compressed_fs {image} disk.img");
        Service.Cowloop("merge", image, disk.Cowfile, "--yes").MustComplain(2, $"{image} is a compressed image (cloop)");
        Service.Cowloop("check", disk.Cowfile, "--base", image).MustPrint($"{disk.Cowfile}: no problems found\n");
        string extracted = Extracted(image);
        Service.Run("cowmerge", "-y", extracted, disk.Cowfile).MustSucceed();
        Assert.Equal(expected, File.ReadAllBytes(extracted));
    }

    /// <summary>What is read in one go is decompressed ahead, and still right when many read at once.</summary>
    [RootFact("create_compressed_fs", "fio")]
    public void Many_readers_at_once()
    {
        byte[] content = [.. Enumerable.Range(0, 40).SelectMany(part => part % 2 == 0 ? Data.Random(part, 1 << 20) : Data.Fill((byte)part, 1 << 20))];
        File.WriteAllBytes(Temp["plain"], content);
        string image = Base(Compressed(Temp["plain"], "image.cloop"));
        CowDisk disk = Attach(image);
        string hash = FileSnapshot.HashOf(Temp["plain"]);
        string[] readers = ["iflag=direct bs=1M", "iflag=direct bs=64K", "bs=1M", "iflag=direct bs=4K"];
        string script = string.Join('\n', readers.Select((reader, index) => $"dd if={disk.Path} {reader} status=none | sha256sum >'{Temp[$"sum{index}"]}' &"));
        Shell.RunScript($"""
            fio --name=random --filename={disk.Path} --direct=1 --rw=randread --bs=4k --ioengine=libaio --iodepth=16 --size=40m --output=/dev/null &
            {script}
            wait
            """);
        Assert.All(readers.Select((_, index) => File.ReadAllText(Temp[$"sum{index}"])), sum => Assert.StartsWith(hash, sum, StringComparison.Ordinal));
    }

    private string Compressed(string source, string name, params string[] options)
    {
        Shell.Run("create_compressed_fs", ["-q", .. options, source, Temp[name]]);
        return Temp[name];
    }

    private string Extracted(string image)
    {
        Shell.Run("extract_compressed_fs", image, Temp["extracted"]);
        return Temp["extracted"];
    }

    private void Refuse(string image, byte[] bytes, string reason)
    {
        File.WriteAllBytes(image, bytes);
        CommandResult result = Service.Cowdev("-a", image, Temp["refused.cow"]).MustRefuse(2, Invalid, $"rdofile {image}, a cloop image, {reason}");
        Assert.Matches(new Regex("get a good copy|extract_compressed_fs"), result.Error);
        Assert.False(File.Exists(Temp["refused.cow"]));
        Assert.Empty(Service.ActiveDevices());
        Assert.Empty(OpeningsOf(image));
    }

    /// <summary>The descriptors of the service that lead to a file.</summary>
    private IEnumerable<string> OpeningsOf(string file) => Directory.EnumerateFiles($"/proc/{Service.ProcessId}/fd")
        .Where(descriptor => File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName == file);
}
