namespace Cowloop.Core.Tests.Support;

/// <summary>Makes a file of an image: only what is not zero, and the data, takes space.</summary>
internal static class SparseCowfile
{
    /// <param name="image">What the file shall hold.</param>
    /// <param name="lengthBytes">Lengthened to this; by default it ends with its last data, or its bitmap.</param>
    public static MemoryFile ToSparse(this CowImage image, long lengthBytes = 0)
    {
        var file = new MemoryFile();
        file.SetLength(Math.Max(lengthBytes, CowImage.BlockSize + image.BitmapBytes));
        byte[] head = Fixtures.Filled(CowImage.BlockSize, image.Reserved);
        image.Header().CopyTo(head, 0);
        file.WriteAt(0, head);
        foreach (IGrouping<long, long> bits in image.Bits.GroupBy(bit => bit / 8))
        {
            file.WriteAt(CowImage.BlockSize + bits.Key, [(byte)bits.Sum(bit => 1 << (int)(bit % 8))]);
        }
        foreach ((long block, byte[] content) in image.Data)
        {
            file.WriteAt(image.DataOffset + block * CowImage.BlockSize, content);
        }
        return file;
    }
}
