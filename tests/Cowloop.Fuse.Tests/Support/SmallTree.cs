namespace Cowloop.Fuse.Tests.Support;

/// <summary>A tree of two files: disk-0, node 2, whose byte N is N modulo 256; and note, node 3.</summary>
internal sealed class SmallTree
{
    public const int DiskBytes = 8192;

    public SmallTree()
    {
        for (int index = 0; index < DiskBytes; index++)
        {
            Disk.Content[index] = (byte)index;
        }
        Tree.Add("disk-0", new DiskFile(Disk, new SharedWorkers(8)));
        Tree.Add("note", new TextFile(() => "hello, reader\n"));
        Frames = new Frames(Tree);
    }

    public MemoryDisk Disk { get; } = new(DiskBytes);

    public FlatTree Tree { get; } = new();

    public Frames Frames { get; }
}
