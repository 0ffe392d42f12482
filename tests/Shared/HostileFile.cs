namespace Cowloop.Tests.Support;

/// <summary>A file that a reader of cowfiles may meet: a good one, damaged by accident or on purpose.</summary>
/// <param name="What">How it came about, for messages.</param>
/// <param name="Original">What it was.</param>
/// <param name="Content">Its bytes.</param>
/// <param name="LengthBytes">Its length; what lies behind the bytes is a hole.</param>
internal sealed record HostileFile(string What, HostileOriginal Original, byte[] Content, long LengthBytes)
{
    private static readonly long[] BlockCounts =
        [1, 7, 8, 9, 39, 41, 1023, 1025, 8191, 8192, 8193, 24_576, 24_577, 1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF];

    /// <summary>The same for the same number of the same seed.</summary>
    public static HostileFile Make(IReadOnlyList<HostileOriginal> originals, int seed, int number)
    {
        var random = new Random(unchecked(seed * 1_000_003 + number));
        HostileOriginal original = originals[random.Next(originals.Count)];
        var file = new HostileFile(original.Name, original, [.. original.Content], original.Content.Length);
        // Twice: damage that is consistent with other damage gets further.
        for (int count = random.Next(3) == 0 ? 2 : 1; count > 0; count--)
        {
            file = file.Damage(random);
        }
        if (random.Next(2) == 0)
        {
            original.Recount(file.Content);
            file = file with { What = $"{file.What}, counted" };
        }
        return file;
    }

    /// <summary>Every field with every number, every size, every end: what is worth trying each time.</summary>
    public static IEnumerable<HostileFile> Corpus(HostileForm form) => HostileOriginal.All(form)
        .Where(original => original.Name is "runs Little64" or "runs Big32" or "crash Little32" or "crash Big64")
        .SelectMany<HostileOriginal, HostileFile>(original => [.. FieldsOf(original), .. SizesOf(original), .. EndsOf(original)]);

    /// <summary>Writes it, as long as a filesystem has it.</summary>
    /// <returns>The path.</returns>
    public string Write(string path)
    {
        const long LongestBytes = 8L << 40;
        using FileStream stream = System.IO.File.Create(path);
        stream.Write(Content);
        stream.SetLength(Math.Min(LengthBytes, LongestBytes));
        return path;
    }

    public override string ToString() => $"{What}: {Content.Length} bytes in a file of {LengthBytes}";

    private static IEnumerable<HostileFile> FieldsOf(HostileOriginal original)
    {
        for (int field = 0; field < original.Fields.Count; field++)
        {
            foreach (ulong number in Mutator.Numbers)
            {
                byte[] content = [.. original.Content];
                original.PutField(content, field, number);
                yield return new HostileFile($"{original.Name}, field {field} is {number}", original, content, content.Length);
            }
        }
    }

    /// <summary>As long as it is, and as long as that size demands.</summary>
    private static IEnumerable<HostileFile> SizesOf(HostileOriginal original)
    {
        foreach (long blockCount in BlockCounts)
        {
            byte[] content = [.. original.Content];
            original.PutSize(content, blockCount);
            yield return new HostileFile($"{original.Name} of {blockCount} blocks", original, content, content.Length);
            long fullBytes = HostileOriginal.DataOffsetFor(blockCount) + blockCount * 1024;
            yield return new HostileFile($"{original.Name} of {blockCount} blocks, full length", original, content, Math.Max(content.Length, fullBytes));
        }
    }

    private static IEnumerable<HostileFile> EndsOf(HostileOriginal original)
    {
        foreach (long lengthBytes in Ends(original).Concat(Mutator.Numbers.Where(number => number <= long.MaxValue).Select(number => (long)number)))
        {
            yield return WithLength($"{original.Name}, {lengthBytes} bytes", original, original.Content, lengthBytes);
        }
    }

    private static IEnumerable<long> Ends(HostileOriginal original)
    {
        long dataBytes = HostileOriginal.DataOffsetFor(original.BlockCount);
        long[] borders =
        [
            0, 32, 56, original.BitmapOffset, original.BitmapOffset + original.BitmapBytes, dataBytes, original.Content.Length,
            dataBytes + original.BlockCount * 1024, dataBytes + original.BitmapBytes * 8192L,
        ];
        return borders.SelectMany(border => new[] { border - 1, border, border + 1 }).Where(border => border >= 0);
    }

    private static HostileFile WithLength(string what, HostileOriginal original, byte[] content, long lengthBytes) =>
        new(what, original, lengthBytes < content.Length ? content[..(int)lengthBytes] : content, lengthBytes);

    private HostileFile Damage(Random random)
    {
        var mutator = new Mutator(random);
        switch (random.Next(8))
        {
            case 0:
                int field = random.Next(Original.Fields.Count);
                ulong number = mutator.Number();
                Original.PutField(Content, field, number);
                return this with { What = $"{What}, field {field} is {number}" };
            case 1:
                long blockCount = BlockCounts[random.Next(BlockCounts.Length)];
                Original.PutSize(Content, blockCount);
                return this with { What = $"{What}, {blockCount} blocks" };
            case 2:
                for (int count = random.Next(1, 6); count > 0 && Content.Length > Original.BitmapOffset; count--)
                {
                    int bit = random.Next(random.Next(2) == 0 ? (int)Math.Min(Original.BlockCount, 64) : Original.BitmapBytes * 8);
                    int offset = Math.Min(Content.Length - 1, Original.BitmapOffset + bit / 8);
                    Content[offset] ^= (byte)(1 << (bit % 8));
                }
                return this with { What = $"{What}, bits" };
            case 3:
                ulong flags = (ulong)(random.Next(2) == 0 ? random.Next(8) : random.Next(0x10000));
                Original.PutField(Content, 2, flags);
                return this with { What = $"{What}, flags {flags}" };
            case 4:
                long[] ends = [.. Ends(Original)];
                long lengthBytes = random.Next(4) == 0 ? (long)(mutator.Number() >> 1) : ends[random.Next(ends.Length)];
                return WithLength($"{What}, {lengthBytes} bytes", Original, Content, lengthBytes);
            default:
                byte[] content = mutator.Mutate(Content, Original.BitmapOffset + Original.BitmapBytes);
                long holeBytes = Math.Min(LengthBytes - Content.Length, long.MaxValue - content.Length);
                return this with { What = $"{What}, bytes", Content = content, LengthBytes = content.Length + holeBytes };
        }
    }
}
