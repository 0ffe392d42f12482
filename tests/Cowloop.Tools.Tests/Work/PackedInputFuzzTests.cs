using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Simulation.Disks;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Work;
using Xunit.Abstractions;

namespace Cowloop.Tools.Tests.Work;

/// <summary>A hostile file is unpacked: it is refused with our own error, in no more memory and space than it has content for; or what comes of it is sound.</summary>
public sealed class PackedInputFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int CaseCount = 3_000;
    private const int SoakCaseCount = 300_000;
    private const long MaxBytes = 4 << 20;
    private const int FocusBytes = 64;

    private static readonly IReadOnlyList<HostileOriginal> Streams = HostileOriginal.All(HostileForm.Stream);
    private static readonly IReadOnlyList<HostileOriginal> Plains = HostileOriginal.All(HostileForm.Packed);
    private static readonly PackedEncoding?[] Expectations =
        [null, null, null, null, PackedEncoding.Plain, PackedEncoding.Gzip, PackedEncoding.Zstd];

    private readonly WorkDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Any_file_is_refused_or_unpacked() => new FuzzRun(output).Cases(CaseCount, SoakCaseCount, PackedCase.Make, Check);

    /// <summary>What the format of Zstandard allows is more than any machine has.</summary>
    [Theory]
    [InlineData(13, true)]
    [InlineData(27, true)]
    [InlineData(28, false)]
    [InlineData(31, false)]
    [InlineData(41, false)]
    public void A_frame_that_wants_more_memory_than_zstd_takes_is_refused(int windowLog, bool isAccepted)
    {
        byte[] frame = Framings.RawZstd(Golden.ImageG2.PackedStream(), windowLog);

        Assert.Equal(isAccepted ? "unpacked" : "damaged", Check(new PackedCase($"window of 2^{windowLog}", frame, PackedEncoding.Zstd)));
    }

    private string Check(PackedCase packed)
    {
        _directory.Write("packed", packed.Content);
        var cowfile = new MemoryFile();
        long before = GC.GetAllocatedBytesForCurrentThread();
        string outcome = Unpack(packed.Expected, cowfile);
        // Whatever a header says, the pages of the result hold what the file really had.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxBytes + 2 * cowfile.UsedBytes);
        if (outcome == "unpacked")
        {
            Assert.Empty(Checker.Run(new CheckedFile(cowfile, "my.cow"), baseFile: null, NobodyWatches.Instance));
        }
        return outcome;
    }

    private string Unpack(PackedEncoding? expected, MemoryFile cowfile)
    {
        try
        {
            using PackedInput input = PackedInput.Open(_directory["packed"], expected);
            try
            {
                Unpacker.Prepare(input.Source).Run(new CheckedFile(cowfile, "my.cow"), NobodyWatches.Instance);
                Assert.Null(input.Damage);
                return "unpacked";
            }
            catch (CowloopException) when (input.Damage is not null)
            {
                return "damaged";
            }
        }
        catch (CowloopException exception)
        {
            Assert.NotEmpty(exception.Message);
            return "refused";
        }
    }

    /// <summary>A packed file and how it is taken.</summary>
    private sealed record PackedCase(string What, byte[] Content, PackedEncoding? Expected)
    {
        public static PackedCase Make(int seed, int number)
        {
            var random = new Random(unchecked(seed * 1_000_003 + number));
            // Damage below the compression passes its checksum; damage above it meets the decompressor.
            bool isDamagedBelow = random.Next(2) == 0;
            HostileFile file = HostileFile.Make(random.Next(6) == 0 ? Plains : Streams, seed, number);
            byte[] content = isDamagedBelow ? file.Content : file.Original.Content;
            Framing framing = (Framing)random.Next(Enum.GetValues<Framing>().Length);
            byte[] framed = framing.Frame(content);
            if (!isDamagedBelow || random.Next(4) == 0)
            {
                framed = new Mutator(random).Mutate(framed, FocusBytes);
            }
            return new PackedCase(
                $"{framing} of {(isDamagedBelow ? file.What : file.Original.Name)}",
                framed,
                Expectations[random.Next(Expectations.Length)]);
        }

        public override string ToString() => $"{What}: {Content.Length} bytes, taken for {Expected?.ToString() ?? "what it looks like"}";
    }
}
