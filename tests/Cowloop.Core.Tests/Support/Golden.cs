namespace Cowloop.Core.Tests.Support;

/// <summary>Golden cowfiles of specification 1.2 and 3, put together by hand: nothing of the engine is used.</summary>
internal static class Golden
{
    public const string G1Wide = "cf0a8eca9ff36ac99efe84238b8d1668c589a88d62871eccc1ad88fb65ae2932";
    public const string G1Narrow = "4f3741b1eb843152102bed6c21b190b432ef7fe765805b2edbd81a58778cb2f9";
    public const string G2Wide = "154422bdf648c6939f0440a772dad28247ab09a55c7bfb98e5e11589e0c81495";
    public const string G2Narrow = "766eea6d8f5fff14d17eb423e3f95f308c9320296fbf780f4fefc061e50742d6";
    public const string G4Wide = "fe6ebadb670b223a859b234a9083b6c774b179188b9fce503a53f9bbcceaba05";
    public const string G4Narrow = "7acc4baeb1ebfe8c09d74770d9dce7b754ac863d488e1c6af3f1eb3e75453c91";

    /// <summary>What R reads as with G2 over it (what cowmerge makes of it), and with G4 over it.</summary>
    public const string MergedG2 = "11db803722cceaf5806d48e720efa3ba4ab7d7329f8930047901042f9906f093";
    public const string MergedG4 = "8641cbc4102bc644ef5658517eb0e3102590df93aec734857648afd755416323";

    private const string WideStart = "7f434f5701000000" + "0004000000000000" + "0004000000000000" + "0010000000000000";
    private const string NarrowStart = "7f434f5701000000" + "00040000" + "00040000" + "00100000";

    public static string WideHeaderOfG2 => WideStart + "0004000000000000" + "b87a7eceffffffff" + "0400000000000000";

    public static string NarrowHeaderOfG2 => NarrowStart + "00040000" + "b87a7ece" + "04000000";

    public static byte[] G2() => G2(WideHeaderOfG2);

    public static byte[] NarrowG2() => G2(NarrowHeaderOfG2);

    /// <summary>A new cowfile as a 32-bit original makes it for F1 (8 blocks) or R (1024 blocks).</summary>
    public static byte[] NewNarrow(string blockCountHex) => WithHeader(2048, NarrowStart + blockCountHex + "b87a7ece" + "00000000");

    /// <summary>Made by a 32-bit ARM kernel for a base of 100 MiB.</summary>
    public static byte[] ArmSpecimen() => WithHeader(14336, "7f434f5701000000" + "00040000" + "00340000" + "00400000" + "00900100" + "a04c3035" + "00000000");

    private static byte[] G2(string headerHex)
    {
        byte[] content = WithHeader(108544, headerHex);
        content[1024] = 0x11;
        content[1036] = 0x30;
        content.AsSpan(4096, 1024).Fill(0x41);
        content.AsSpan(4096 + 4096, 1024).Fill(0x42);
        content.AsSpan(4096 + 102400, 2048).Fill(0x43);
        return content;
    }

    private static byte[] WithHeader(int length, string headerHex)
    {
        byte[] content = new byte[length];
        Convert.FromHexString(headerHex).CopyTo(content, 0);
        return content;
    }
}
