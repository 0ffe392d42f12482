namespace Cowloop.Files.Tests.Support;

/// <summary>Headers whose fields do not belong together.</summary>
internal static class Damage
{
    private static readonly Dictionary<string, Func<CowImage, CowImage>> ByName = new()
    {
        ["mapunit 0"] = image => image with { MapUnit = 0 },
        ["mapunit 512"] = image => image with { MapUnit = 512 },
        ["mapunit 1025"] = image => image with { MapUnit = 1025 },
        ["mapunit 4096"] = image => image with { MapUnit = 4096 },
        ["mapsize 0"] = image => image with { WrongMapSize = 0 },
        ["mapsize 1023"] = image => image with { WrongMapSize = 1023 },
        ["mapsize 2048"] = image => image with { WrongMapSize = 2048 },
        ["mapsize of 2 GiB"] = image => image with { WrongMapSize = 0x80000000 },
        ["mapsize without an end"] = image => image with { WrongMapSize = ulong.MaxValue },
        ["doffset 0"] = image => image with { WrongDataOffset = 0 },
        ["doffset 2048"] = image => image with { WrongDataOffset = 2048 },
        ["doffset 4095"] = image => image with { WrongDataOffset = 4095 },
        ["doffset 8192"] = image => image with { WrongDataOffset = 8192 },
        ["doffset without an end"] = image => image with { WrongDataOffset = ulong.MaxValue },
        ["rdoblocks 0"] = image => image with { BlockCount = 0, WrongMapSize = 1024 },
        ["rdoblocks 8193"] = image => image with { BlockCount = 8193, WrongMapSize = 1024 },
        ["rdoblocks without an end"] = image => image with { BlockCount = -1, WrongMapSize = 1024, WrongDataOffset = 4096 },
    };

    public static TheoryData<string> Layouts => [.. ByName.Keys];

    /// <summary>The file of an image, with the header damaged and nothing else.</summary>
    public static byte[] Of(string damage, CowImage image)
    {
        byte[] file = image.ToBytes();
        ByName[damage](image).Header().CopyTo(file, 0);
        return file;
    }

    /// <summary>The same for a packed one.</summary>
    public static byte[] OfPacked(string damage, CowImage image)
    {
        byte[] file = image.Packed();
        ByName[damage](image with { Flags = CowImage.PackedFlag }).Header().CopyTo(file, 0);
        return file;
    }

    /// <summary>The same for an unpadded stream.</summary>
    public static byte[] OfStream(string damage, CowImage image)
    {
        byte[] file = image.PackedStream();
        ByName[damage](image with { Flags = CowImage.PackedFlag }).Header().CopyTo(file, 0);
        return file;
    }

    /// <summary>One of each word size and byte order.</summary>
    public static IReadOnlyList<CowVariant> Variants { get; } = [CowVariant.Little64, CowVariant.Big32];
}
