using System.Numerics;

namespace Cowloop.Tests.Support;

/// <summary>What the bytes of a file are to be taken for.</summary>
internal enum HostileForm
{
    Cowfile,
    Packed,
    Stream,
}

/// <summary>A good file, of which bad ones are made.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Form">What it is.</param>
/// <param name="Variant">Its word size and byte order.</param>
/// <param name="BlockCount">Blocks of its base.</param>
/// <param name="Content">Its bytes.</param>
internal sealed record HostileOriginal(string Name, HostileForm Form, CowVariant Variant, long BlockCount, byte[] Content)
{
    private static readonly CowImage Crash = new CowImage { BlockCount = 40, Flags = CowImage.Dirty, WrongUsedBlocks = 2 }
        .With(1, 2, 0x41).With(5, 1, 0x00).WithData(8, 3, 0x44).WithData(30, 1, 0x45);

    private static readonly (string Name, CowImage Image)[] Images =
    [
        ("G1", Golden.ImageG1),
        ("G2", Golden.ImageG2),
        ("G3", Golden.ImageG3),
        ("G4", Golden.ImageG4),
        ("G5", Golden.ImageG5),
        ("full", new CowImage { BlockCount = 8 }.With(0, 8, 0x41)),
        ("runs", new CowImage { BlockCount = 40, Reserved = 0x5A }.With(0, 1, 0x41).With(5, 3, 0x42).With(39, 1, 0x43)),
        ("crash", Crash),
        ("crash, bitmap decides", Crash with { Flags = CowImage.Dirty | CowImage.BitmapDecides }),
        ("long bitmap", new CowImage { BlockCount = 9_000 }.With(3, 2, 0x41).With(17, 9, 0x42)),
    ];

    private static readonly CowVariant[] Variants = [CowVariant.Little64, CowVariant.Little32, CowVariant.Big64, CowVariant.Big32];

    /// <summary>All of them in one form: the golden files, and some more, in every variant.</summary>
    public static IReadOnlyList<HostileOriginal> All(HostileForm form) =>
        [.. Images.SelectMany(image => Variants.Select(variant => Of(image.Name, image.Image with { Variant = variant }, form)))];

    /// <summary>The first bytes of the base that they were made for; a hole follows up to its end. It is R where R is long enough.</summary>
    public static byte[] BaseStart(long blockCount) =>
        Fixtures.R[..(int)(blockCount <= Fixtures.R.Length / CowImage.BlockSize ? blockCount * CowImage.BlockSize : 40 * CowImage.BlockSize)];

    /// <summary>Where each field of the header lies, and how large it is: magic, version, flags, mapunit, mapsize, doffset, rdoblocks, rdofingerprint, cowused.</summary>
    public IReadOnlyList<(int OffsetBytes, int SizeBytes)> Fields =>
        [(0, 4), (4, 2), (6, 2), .. Enumerable.Range(0, 6).Select(index => (8 + index * WordSize, WordSize))];

    public int WordSize => Variant is CowVariant.Little64 or CowVariant.Big64 ? 8 : 4;

    public bool IsBigEndian => Variant is CowVariant.Big64 or CowVariant.Big32;

    public int BitmapOffset => Form == HostileForm.Stream ? 8 + 6 * WordSize : CowImage.BlockSize;

    public int BitmapBytes => (int)MapSizeFor(BlockCount);

    /// <summary>Stores the three fields that belong together, for a base of another size.</summary>
    public void PutSize(byte[] content, long blockCount)
    {
        PutField(content, 4, (ulong)MapSizeFor(blockCount));
        PutField(content, 5, (ulong)DataOffsetFor(blockCount));
        PutField(content, 6, (ulong)blockCount);
    }

    /// <summary>Stores a field, given by its place in <see cref="Fields"/>.</summary>
    public void PutField(byte[] content, int field, ulong number)
    {
        (int offset, int size) = Fields[field];
        if (offset < content.Length)
        {
            Mutator.Put(content.AsSpan(offset), number, size, IsBigEndian);
        }
    }

    /// <summary>Makes the count in the header that of the bitmap.</summary>
    public void Recount(byte[] content)
    {
        ReadOnlySpan<byte> bitmap = content.AsSpan(Math.Min(content.Length, BitmapOffset));
        ulong count = 0;
        foreach (byte bits in bitmap[..Math.Min(bitmap.Length, BitmapBytes)])
        {
            count += (ulong)BitOperations.PopCount(bits);
        }
        PutField(content, 8, count);
    }

    public static long MapSizeFor(long blockCount) => ((blockCount + 7) / 8 + 1023) / 1024 * 1024;

    public static long DataOffsetFor(long blockCount) => (1024 + MapSizeFor(blockCount) + 4095) / 4096 * 4096;

    private static HostileOriginal Of(string name, CowImage image, HostileForm form) => new(
        $"{name} {image.Variant}",
        form,
        image.Variant,
        image.BlockCount,
        form switch
        {
            HostileForm.Cowfile => image.ToBytes(),
            // What is packed is clean; the rest of a dirty one would never be looked at.
            HostileForm.Packed => Clean(image).Packed(),
            _ => Clean(image).PackedStream(),
        });

    private static CowImage Clean(CowImage image) => image with { Flags = (ushort)(image.Flags & ~CowImage.Dirty), WrongUsedBlocks = null };
}
