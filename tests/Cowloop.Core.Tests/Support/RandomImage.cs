namespace Cowloop.Core.Tests.Support;

/// <summary>Cowfiles with random blocks, in runs and alone; some blocks are all zeros.</summary>
internal static class RandomImage
{
    public static CowImage Make(Random random, int blockCount, double density)
    {
        var blocks = new Dictionary<long, byte[]>();
        for (int block = 0; block < blockCount; block++)
        {
            // A run goes on more often than one begins.
            bool goesOn = blocks.ContainsKey(block - 1);
            if (random.NextDouble() < (goesOn ? Math.Sqrt(density) : density * density))
            {
                blocks[block] = random.Next(5) == 0 ? new byte[CowImage.BlockSize] : Fixtures.RandomBytes(random, CowImage.BlockSize);
            }
        }
        return new CowImage { BlockCount = blockCount, Bits = [.. blocks.Keys], Data = new CowImage().Data.SetItems(blocks) };
    }
}
