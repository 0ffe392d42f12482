using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>A cowfile of a <see cref="StackRun"/>, and what must be read through it: a plain array.</summary>
/// <param name="name">What it is called.</param>
/// <param name="file">The file.</param>
/// <param name="lower">What it lies on; null for the base.</param>
/// <param name="baseContent">The base that all lies on; shared by those who lie on it.</param>
/// <param name="view">What is read through it; its own.</param>
internal sealed class StackNode(string name, MemoryFile file, StackNode? lower, byte[] baseContent, byte[] view)
{
    public string Name => name;

    public MemoryFile File => file;

    public StackNode? Lower { get; set; } = lower;

    public byte[] Base { get; set; } = baseContent;

    public byte[] View { get; set; } = view;

    public CowLayout Layout => new(View.Length / CowLayout.BlockSize);

    /// <summary>The file as the maintenance takes it.</summary>
    public CheckedFile Checked => new(file, name);

    /// <summary>All up to this one, bottom to top.</summary>
    public IReadOnlyList<StackNode> Chain => ChainOf(this);

    /// <summary>The node and what it lies on, bottom to top; nothing for a base.</summary>
    public static IReadOnlyList<StackNode> ChainOf(StackNode? node)
    {
        var chain = new List<StackNode>();
        for (; node is not null; node = node.Lower)
        {
            chain.Insert(0, node);
        }
        return chain;
    }

    /// <summary>Opens what a new cowfile would lie on; everything is verified.</summary>
    public static BaseImage Open(StackNode? node, byte[] baseContent)
    {
        BaseImage image = Disk.ImageOf(new FlatFile(baseContent));
        // As the tools do it: what takes the writes of a device comes on top of as many layers as there can be.
        foreach (StackNode[] part in ChainOf(node).Chunk(LayerStack.MaxLayers))
        {
            image = LayerStack.Open(image, [.. part.Select(member => ((IBlockFile)member.File, member.Name))], new BaseOptions(), HeapWords.Allocate);
        }
        return image;
    }

    /// <summary>What a new device of some size shows: what it lies on, and zeros behind that.</summary>
    /// <param name="node">What it lies on; null for the base.</param>
    /// <param name="baseContent">The base.</param>
    /// <param name="deviceBytes">Its size.</param>
    public static byte[] ViewOf(StackNode? node, byte[] baseContent, int deviceBytes)
    {
        byte[] below = node?.View ?? baseContent;
        byte[] view = new byte[deviceBytes];
        below.AsSpan(0, Math.Min(below.Length, deviceBytes)).CopyTo(view);
        return view;
    }

    public override string ToString() => name;
}
