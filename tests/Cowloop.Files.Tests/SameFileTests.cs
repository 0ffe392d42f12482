namespace Cowloop.Files.Tests;

/// <summary>One file in two places: under its name, or under another one of it.</summary>
public class SameFileTests : ToolTest
{
    public static TheoryData<string> SecondNames => ["same", "./same", "hard link", "soft link"];

    [Theory]
    [MemberData(nameof(SecondNames))]
    public void Packing_a_cowfile_onto_itself_is_refused(string second)
    {
        var file = KeepWithLinks(Golden.G2());
        MustRefuse(file, "cowpack", "-p", "same", second);
        MustRefuse(file, "cowpack", "-zp", "same", second);
        MustRefuse(file, "cowpack", "--zstd", "-p", second, "same");
    }

    [Theory]
    [MemberData(nameof(SecondNames))]
    public void Unpacking_a_file_onto_itself_is_refused(string second)
    {
        var plain = KeepWithLinks(Golden.ImageG2.Packed());
        MustRefuse(plain, "cowpack", "-u", "same", second);
        MustRefuse(plain, "cowpack", "-u", second, "same");
    }

    [Theory]
    [MemberData(nameof(SecondNames))]
    public void Unpacking_a_gzip_file_onto_itself_is_refused(string second)
    {
        var file = KeepWithLinks(Gzip(Golden.ImageG2.PackedStream()));
        MustRefuse(file, "cowpack", "-zu", "same", second);
    }

    [Theory]
    [MemberData(nameof(SecondNames))]
    public void Merging_a_cowfile_into_itself_is_refused(string second)
    {
        var file = KeepWithLinks(Golden.G2());
        MustRefuse(file, "cowmerge", "-y", "same", second);
        MustRefuse(file, "cowmerge", "-y", second, "same");
        MustRefuse(file, "cowmerge", "--resume", "-y", second, "same");
    }

    /// <summary>A cowfile that would even fit itself: its size and its fingerprint are those that its header names.</summary>
    [Theory]
    [MemberData(nameof(SecondNames))]
    public void Merging_a_cowfile_that_fits_itself_is_refused(string second)
    {
        byte[] content = new byte[8192];
        (new CowImage { BlockCount = 8 }.With(0, 1, 0x41).With(3, 1, 0x42) with { Fingerprint = 0 }).ToBytes().CopyTo(content, 0);
        uint fingerprint = 0;
        for (int round = 0; round < 1000; round++)
        {
            // The fingerprint is part of what it is the sum of: a padding byte of the header block makes it come true.
            fingerprint = FingerprintOf(content);
            BitConverter.TryWriteBytes(content.AsSpan(40), (long)(int)fingerprint);
            if (FingerprintOf(content) == fingerprint)
            {
                break;
            }
            content[1000]++;
        }
        var file = KeepWithLinks(content);
        MustRefuse(file, "cowmerge", "-y", "same", second);
    }

    [Fact]
    public void Merging_a_base_into_itself_is_refused()
    {
        var image = KeepBase();
        Answer("Y", "cowmerge", "R", "R").MustComplain(1, "R");
        image.MustBeUnchanged();
    }

    private static uint FingerprintOf(byte[] content)
    {
        uint result = 0;
        int count = 0;
        for (int block = 0; block < content.Length / 1024 && count < 4; block++)
        {
            uint sum = 0;
            foreach (byte value in content.AsSpan(block * 1024, 1024))
            {
                sum += value;
            }
            if ((byte)sum != 0)
            {
                result |= (uint)(byte)sum << (8 * count++);
            }
        }
        return result;
    }

    private FileSnapshot KeepWithLinks(byte[] content)
    {
        var file = Keep("same", content);
        RunScript("ln -f same 'hard link'; ln -sf same 'soft link'");
        return file;
    }

    private void MustRefuse(FileSnapshot file, string tool, params string[] arguments)
    {
        string[] names = [.. Names];
        CommandResult result = Run(tool, arguments).MustComplain(1);
        Assert.True(arguments[^2..].Any(name => result.Error.Contains(name, StringComparison.Ordinal)), result.ToString());
        file.MustBeUnchanged();
        Assert.Equal(names, Names);
        Assert.NotNull(new FileInfo(Temp["soft link"]).LinkTarget);
    }
}
