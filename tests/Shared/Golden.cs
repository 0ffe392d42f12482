namespace Cowloop.Tests.Support;

/// <summary>Golden cowfiles of specification 1.2 and 3, put together by hand, and the published hashes: "wide" is 64-bit, "narrow" 32-bit.</summary>
internal static class Golden
{
    public const string G1Wide = "cf0a8eca9ff36ac99efe84238b8d1668c589a88d62871eccc1ad88fb65ae2932";
    public const string G1Narrow = "4f3741b1eb843152102bed6c21b190b432ef7fe765805b2edbd81a58778cb2f9";
    public const string G2Wide = "154422bdf648c6939f0440a772dad28247ab09a55c7bfb98e5e11589e0c81495";
    public const string G2Narrow = "766eea6d8f5fff14d17eb423e3f95f308c9320296fbf780f4fefc061e50742d6";
    public const string G3Wide = "fddc8cd9b61be82e22cb3ec0041e7f8113067463f67ba67db813acfd535db0e4";
    public const string G3Narrow = "f0221cfecb0d54534007c2adc7b5d5770e2f97dffbadcd16d174ccb3b294294c";
    public const string G3RepairedWide = "c2d7102fa493944eedbf45b2c51c4822e69162b908b72d80e6996c538be4a46d";
    public const string G3RepairedNarrow = "7c53b97f40f4c6a06a2da31aa0990733cf135821837eaab8da0be2b47c968aa7";
    public const string G4Wide = "fe6ebadb670b223a859b234a9083b6c774b179188b9fce503a53f9bbcceaba05";
    public const string G4Narrow = "7acc4baeb1ebfe8c09d74770d9dce7b754ac863d488e1c6af3f1eb3e75453c91";
    public const string G5Wide = "968151ba16f110e368f238bca7c5c555273595184557b759dd514c585eecf903";
    public const string G5RepairedWide = "e079f6e6f3e6f3d28771c6addb48aed75259fca1c4918a314f0149d55924b63d";
    public const string G2PackedWide = "d1a04039acba041355485752e2f5881891f7a01392efa9aac384f0558c1cb4e1";
    public const string G2PackedNarrow = "e686b83744b01bf2ee62b5e3fd36e5ec582e76b9b9220510b8d1bb440776e556";
    public const string G2StreamWide = "a83ebdfc9a4320babd053bca77a40088e81965f7698cf3f942cb9a8f41edf89d";
    public const string G2StreamNarrow = "097bc5005d488ef1e879bea1c4604d83067c7d4990bd0df1e69307643bf7188c";
    public const string Specimen = "3db2d63374df7ac1ec363de9f0abfd12ff75afac6c38f240a07281a819292b76";

    /// <summary>What R reads as with G2 over it (RM: what cowmerge makes of it), and with G4 over it (RM4).</summary>
    public const string MergedG2 = "11db803722cceaf5806d48e720efa3ba4ab7d7329f8930047901042f9906f093";
    public const string MergedG4 = "8641cbc4102bc644ef5658517eb0e3102590df93aec734857648afd755416323";

    public const string R = "a7a14d0926bda540030fd4c43a64aa0c8a343f5cd735e34b45150c4b0b7a528e";
    public const string F1 = "022e5eb47fc0e91ef2d7e651e9e1981c05ebcccf1143e65b93de986cf462482e";

    private const string WideStart = "7f434f5701000000" + "0004000000000000" + "0004000000000000" + "0010000000000000";
    private const string NarrowStart = "7f434f5701000000" + "00040000" + "00040000" + "00100000";

    public static string WideHeaderOfG2 => WideStart + "0004000000000000" + "b87a7eceffffffff" + "0400000000000000";

    public static string NarrowHeaderOfG2 => NarrowStart + "00040000" + "b87a7ece" + "04000000";

    /// <summary>A new cowfile for F1.</summary>
    public static CowImage ImageG1 { get; } = new() { BlockCount = 8 };

    /// <summary>Blocks 0, 4, 100 and 101 of R changed.</summary>
    public static CowImage ImageG2 { get; } = new CowImage().With(0, 1, 0x41).With(4, 1, 0x42).With(100, 2, 0x43);

    /// <summary>A crash: block 7 is there, its bit is not; block 5 is all zeros; the count is that of the last flush.</summary>
    public static CowImage ImageG3 { get; } = new CowImage { Flags = CowImage.Dirty, WrongUsedBlocks = 1 }
        .With(0, 1, 0x41).With(2, 1, 0x42).With(5, 1, 0x00).WithData(7, 1, 0x44);

    /// <summary>G3 repaired.</summary>
    public static CowImage ImageG3Repaired { get; } = new CowImage()
        .With(0, 1, 0x41).With(2, 1, 0x42).With(5, 1, 0x00).With(7, 1, 0x44);

    /// <summary>Half of block 0 of R changed.</summary>
    public static CowImage ImageG4 { get; } = new CowImage().With(0, 1, 0x45) with
    {
        Data = new CowImage().Data.Add(0, [.. Fixtures.R[..512], .. Fixtures.Filled(512, 0x45)]),
    };

    /// <summary>A crash: block 2 is there, its bit is not.</summary>
    public static CowImage ImageG5 { get; } = new CowImage { Flags = CowImage.Dirty }.With(0, 1, 0x41).WithData(2, 1, 0x42);

    /// <summary>G5 repaired.</summary>
    public static CowImage ImageG5Repaired { get; } = new CowImage().With(0, 1, 0x41).With(2, 1, 0x42);

    public static byte[] G2() => ImageG2.ToBytes();

    public static byte[] NarrowG2() => (ImageG2 with { Variant = CowVariant.Little32 }).ToBytes();

    /// <summary>A new cowfile as a 32-bit original makes it for F1 (8 blocks) or R (1024 blocks).</summary>
    public static byte[] NewNarrow(string blockCountHex) => WithHeader(2048, NarrowStart + blockCountHex + "b87a7ece" + "00000000");

    /// <summary>Made by a 32-bit ARM kernel for a base of 100 MiB.</summary>
    public static byte[] ArmSpecimen() => WithHeader(14336, "7f434f5701000000" + "00040000" + "00340000" + "00400000" + "00900100" + "a04c3035" + "00000000");

    private static byte[] WithHeader(int length, string headerHex)
    {
        byte[] content = new byte[length];
        Convert.FromHexString(headerHex).CopyTo(content, 0);
        return content;
    }
}
