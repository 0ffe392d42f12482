using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The cowfiles of the specification's section 3, made through the real device: byte for byte the original's.</summary>
public class GoldenFileTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact]
    public void T3_activating_and_deactivating_makes_G1()
    {
        string image = Base(Data.NumbersFile(Temp["F1"], 8192));
        CowDisk disk = AttachPlain(image);
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(disk.Path));
        Service.Detach(disk);
        MustBe(disk.Cowfile, 2048, "cf0a8eca9ff36ac99efe84238b8d1668c589a88d62871eccc1ad88fb65ae2932");
    }

    [RootFact]
    public void T4_three_writes_make_G2()
    {
        CowDisk disk = AttachPlain(NumbersBase());
        BlockIo.Write(disk.Path, 0, Data.Fill(0x41, 1024));
        BlockIo.Write(disk.Path, 4096, Data.Fill(0x42, 1024));
        BlockIo.Write(disk.Path, 102400, Data.Fill(0x43, 2048));
        Assert.Equal("11db803722cceaf5806d48e720efa3ba4ab7d7329f8930047901042f9906f093", FileSnapshot.HashOf(disk.Path));
        Service.Detach(disk);
        MustBe(disk.Cowfile, 108544, "154422bdf648c6939f0440a772dad28247ab09a55c7bfb98e5e11589e0c81495");
        byte[] file = File.ReadAllBytes(disk.Cowfile);
        Assert.Equal(0x11, file[1024]);
        Assert.Equal(0x30, file[1024 + 12]);
    }

    [RootFact]
    public void T5_half_a_block_is_merged_to_G4()
    {
        CowDisk disk = AttachPlain(NumbersBase());
        BlockIo.Write(disk.Path, 512, Data.Fill(0x45, 512));
        Assert.Equal("8641cbc4102bc644ef5658517eb0e3102590df93aec734857648afd755416323", FileSnapshot.HashOf(disk.Path));
        Service.Detach(disk);
        MustBe(disk.Cowfile, 5120, "fe6ebadb670b223a859b234a9083b6c774b179188b9fce503a53f9bbcceaba05");
        Assert.Equal(File.ReadAllBytes(disk.Image)[..512], File.ReadAllBytes(disk.Cowfile)[4096..4608]);
    }

    /// <summary>Without --plain all is the same but the private flag and the reserved bytes, which the original ignores and keeps.</summary>
    [RootFact]
    public void T4_with_a_record_it_is_G2_but_for_the_flag_and_the_reserved_bytes()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, Data.Fill(0x41, 1024));
        BlockIo.Write(disk.Path, 4096, Data.Fill(0x42, 1024));
        BlockIo.Write(disk.Path, 102400, Data.Fill(0x43, 2048));
        Service.Detach(disk);
        byte[] file = File.ReadAllBytes(disk.Cowfile);
        Assert.Equal("COWLOOPX"u8.ToArray(), file[512..520]);
        Assert.Equal(4, file[6]);
        file[6] = 0;
        file.AsSpan(512, 512).Clear();
        Assert.Equal(Golden.G2(), file);
    }

    [RootFact]
    public void The_environment_asks_for_plain_files_too()
    {
        string image = NumbersBase();
        var options = new ShellOptions { Environment = new Dictionary<string, string>(Service.Environment) { ["COWLOOP_PLAIN"] = "1" } };
        Shell.Try(options, Repository.Program("cowdev"), "-a", image, Temp["my.cow"]).MustSucceed();
        Service.Cowdev("-d", Service.Node(0)).MustSucceed();
        Assert.False(File.ReadAllBytes(Temp["my.cow"]).AsSpan(56, 968).ContainsAnyExcept((byte)0));
    }

    [RootFact]
    public void T7_a_32_bit_cowfile_is_accepted_and_stays_what_it_is()
    {
        string image = NumbersBase();
        File.WriteAllBytes(Temp["G2"], Golden.NarrowG2());
        CowDisk disk = Attach(image, "G2");
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(disk.Path));
        Service.Detach(disk);
        Assert.Equal(Golden.G2Narrow, FileSnapshot.HashOf(disk.Cowfile));
    }

    [RootTheory]
    [InlineData(CowVariant.Little32)]
    [InlineData(CowVariant.Big64)]
    [InlineData(CowVariant.Big32)]
    public void A_cowfile_of_another_machine_keeps_word_size_and_byte_order_when_it_is_written(CowVariant variant)
    {
        string image = NumbersBase();
        File.WriteAllBytes(Temp["G2"], (Golden.ImageG2 with { Variant = variant }).ToBytes());
        CowDisk disk = Attach(image, "G2");
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(disk.Path));
        BlockIo.Write(disk.Path, 7168, Data.Fill(0x44, 1024));
        Service.Detach(disk);
        Assert.Equal((Golden.ImageG2 with { Variant = variant }).With(7, 1, 0x44).ToBytes(), File.ReadAllBytes(disk.Cowfile));
    }

    [RootFact]
    public void T8_a_fingerprint_without_its_sign_is_accepted_and_gets_it_when_the_header_is_written()
    {
        byte[] file = Golden.G2();
        file.AsSpan(44, 4).Clear();
        File.WriteAllBytes(Temp["G2"], file);
        CowDisk disk = Attach(NumbersBase(), "G2");
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(disk.Path));
        BlockIo.Write(disk.Path, 7168, Data.Fill(0x44, 1024));
        Service.Detach(disk);
        Assert.Equal(Golden.ImageG2.With(7, 1, 0x44).ToBytes(), File.ReadAllBytes(disk.Cowfile));
    }

    private CowDisk AttachPlain(string image) => Service.Attach(image, Temp["plain.cow"], "--plain");

    private static void MustBe(string cowfile, long length, string hash)
    {
        Assert.Equal(length, new FileInfo(cowfile).Length);
        Assert.Equal(hash, FileSnapshot.HashOf(cowfile));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(cowfile));
    }
}
