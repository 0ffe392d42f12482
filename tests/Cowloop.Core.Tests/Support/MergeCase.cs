using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Support;

/// <summary>A base, a cowfile that belongs to it, and what the one becomes with the other.</summary>
internal sealed record MergeCase(string Name, MemoryFile Base, MemoryFile Cowfile, MemoryFile Merged)
{
    public override string ToString() => Name;

    public static MergeCase Of(string name, byte[] content, CowImage changes)
    {
        long blockCount = content.Length / 1024;
        changes = changes with { BlockCount = blockCount, Fingerprint = BaseFingerprint.Compute(new FlatFile(content), blockCount) };
        byte[] merged = [.. content];
        foreach (long bit in changes.Bits)
        {
            changes.Data.GetValueOrDefault(bit, new byte[1024]).CopyTo(merged, bit * 1024);
        }
        return new MergeCase(name, ToSparse(content), changes.ToSparse(changes.DataOffset + blockCount * 1024), ToSparse(merged));
    }

    /// <summary>
    /// A small base in which much is zero or has the sum zero, so that its window ends early, late or not at all; and a cowfile with runs of data, zeros and holes.
    /// </summary>
    public static MergeCase Random(int seed)
    {
        var random = new Random(seed);
        int blockCount = random.Next(1, 40);
        byte[] content = new byte[blockCount * 1024 + (random.Next(3) == 0 ? random.Next(1024) : 0)];
        int zeros = random.Next(10);
        for (int block = 0; block < blockCount; block++)
        {
            FillBlock(random, content.AsSpan(block * 1024, 1024), zeros);
        }
        content.AsSpan(blockCount * 1024).Fill(0x77);

        var changes = new CowImage();
        for (int run = random.Next(8); run > 0; run--)
        {
            int first = random.Next(blockCount);
            int end = Math.Min(blockCount, first + random.Next(1, 9));
            for (long block = first; block < end; block++)
            {
                byte[] data = new byte[1024];
                FillBlock(random, data, zeros / 2);
                changes = changes with { Bits = changes.Bits.Add(block), Data = random.Next(5) == 0 ? changes.Data.Remove(block) : changes.Data.SetItem(block, data) };
            }
        }
        return Of($"seed {seed}", content, changes);
    }

    /// <summary>What a crash has left: resuming accepts it and finishes the merge; without resuming it does the same, or says that resuming would.</summary>
    public void AssertCanBeFinished(MemoryFile left)
    {
        MemoryFile again = left.Copy();
        try
        {
            AtRest.Merge(again, Cowfile);
            Assert.Null(again.DifferenceFrom(Merged));
        }
        catch (CowloopException exception)
        {
            Assert.Equal(Fault.OtherBase, exception.Fault);
            Assert.Contains("--resume finishes it", exception.Hint, StringComparison.Ordinal);
            Assert.Null(again.DifferenceFrom(left));
        }
        AtRest.Merge(left, Cowfile, resume: true);
        Assert.Null(left.DifferenceFrom(Merged));
    }

    private static void FillBlock(Random random, Span<byte> block, int zeros)
    {
        if (random.Next(10) < zeros)
        {
            // Both are skipped by the fingerprint.
            block.Fill((byte)(random.Next(3) == 0 ? 0x41 : 0));
            return;
        }
        random.NextBytes(block);
    }

    private static MemoryFile ToSparse(byte[] content)
    {
        var file = new MemoryFile();
        for (int start = 0; start < content.Length; start += MemoryFile.PageSize)
        {
            ReadOnlySpan<byte> page = content.AsSpan(start, Math.Min(MemoryFile.PageSize, content.Length - start));
            if (page.ContainsAnyExcept((byte)0))
            {
                file.WriteAt(start, page);
            }
        }
        file.SetLength(content.Length);
        return file;
    }
}
