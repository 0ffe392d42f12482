using System.Buffers.Binary;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>A base and cowfiles on it, put together by hand, and what is read through them, kept apart block by block.</summary>
internal sealed class TestStack
{
    private readonly List<byte[]> _views;
    private long _idCount;

    public TestStack(byte[] content) => _views = [content];

    /// <summary>The cowfiles, bottom to top.</summary>
    public List<MemoryFile> Files { get; } = [];

    /// <summary>What is read through so many of them.</summary>
    public IReadOnlyList<byte[]> Views => _views;

    public byte[] Base => _views[0];

    public int BlockCount => Base.Length / 1024;

    public CowLayout Layout => new(BlockCount);

    /// <summary>A base with zeros and data in which the cowfiles have some blocks that are equal to what they hide, some zero, and some that are holes.</summary>
    public static TestStack Random(int seed, int fileCount = 2, bool isPlain = false)
    {
        var random = new Random(seed);
        int blockCount = random.Next(1, 60);
        var stack = new TestStack(RandomContent(random, blockCount));
        for (int file = 0; file < fileCount; file++)
        {
            stack.Add(RandomBlocks(random, stack.Views[^1]), isPlain: isPlain);
        }
        return stack;
    }

    public static byte[] RandomContent(Random random, int blockCount)
    {
        byte[] content = new byte[blockCount * 1024];
        for (int block = 0; block < blockCount; block++)
        {
            if (random.Next(3) > 0)
            {
                random.NextBytes(content.AsSpan(block * 1024, 1024));
            }
        }
        return content;
    }

    /// <summary>Adds a cowfile that lies on those that are there.</summary>
    /// <param name="blocks">What it holds; null for a block that is a hole.</param>
    /// <param name="isPlain">Without a record.</param>
    /// <param name="change">Makes another record of its record.</param>
    public MemoryFile Add(IReadOnlyDictionary<long, byte[]?> blocks, bool isPlain = false, Func<ExtensionRecord, ExtensionRecord>? change = null)
    {
        MemoryFile file = Make(Files.Count, blocks, isPlain, change ?? (record => record));
        Files.Add(file);
        byte[] view = [.. _views[^1]];
        foreach ((long block, byte[]? content) in blocks)
        {
            (content ?? new byte[1024]).CopyTo(view, block * 1024);
        }
        _views.Add(view);
        return file;
    }

    /// <summary>Makes a cowfile on so many of those that are there, and does not add it.</summary>
    public MemoryFile Sibling(int height, IReadOnlyDictionary<long, byte[]?> blocks) => Make(height, blocks, isPlain: false, record => record);

    /// <summary>What lies below the cowfile at a height; everything is verified.</summary>
    public BaseImage Below(int height) => Open(Base, [.. Files.Take(height)]);

    /// <summary>The base through cowfiles; everything is verified.</summary>
    public static BaseImage Open(byte[] content, params IBlockFile[] files)
    {
        var image = new BaseImage(new FlatFile(content), Disk.BaseName, hints: null, "disk.img");
        return files.Length == 0
            ? image
            : LayerStack.Open(image, [.. files.Select((file, index) => (file, $"{index}.cow"))], new BaseOptions(), HeapWords.Allocate);
    }

    /// <summary>Reads all that is seen through cowfiles, as who shows it would.</summary>
    public byte[] Read(params MemoryFile[] files)
    {
        BaseImage image = Open(Base, files);
        Parentage.RequireWhole(image.Top);
        return Read(image);
    }

    public static byte[] Read(BaseImage image)
    {
        byte[] content = new byte[image.File.LengthBytes];
        Assert.Equal(Errno.None, image.File.ReadAt(0, content));
        return content;
    }

    public static ExtensionRecord RecordOf(MemoryFile file) => CowfileChecks.ReadRecord(AtRest.Named(file))!;

    public static bool Holds(MemoryFile file, long block)
    {
        byte[] bits = new byte[1];
        Assert.Equal(Errno.None, file.ReadAt(1024 + block / 8, bits));
        return (bits[0] >> (int)(block % 8) & 1) != 0;
    }

    /// <summary>The same bytes, but for its record.</summary>
    public static MemoryFile WithRecord(MemoryFile file, Func<ExtensionRecord, ExtensionRecord> change)
    {
        MemoryFile copy = file.Copy();
        byte[] headerBlock = new byte[1024];
        copy.ReadAt(0, headerBlock);
        change(RecordOf(file)).Encode(headerBlock);
        copy.WriteAt(0, headerBlock);
        return copy;
    }

    public static Dictionary<long, byte[]?> RandomBlocks(Random random, byte[] below)
    {
        var blocks = new Dictionary<long, byte[]?>();
        for (int run = random.Next(7); run > 0; run--)
        {
            int first = random.Next(below.Length / 1024);
            int kind = random.Next(5);
            for (long block = first; block < Math.Min(below.Length / 1024, first + random.Next(1, 14)); block++)
            {
                blocks[block] = kind switch
                {
                    0 => null,
                    1 => new byte[1024],
                    2 => below.AsSpan((int)block * 1024, 1024).ToArray(),
                    _ => Fixtures.RandomBytes(random, 1024),
                };
            }
        }
        return blocks;
    }

    private MemoryFile Make(int height, IReadOnlyDictionary<long, byte[]?> blocks, bool isPlain, Func<ExtensionRecord, ExtensionRecord> change)
    {
        var image = new CowImage
        {
            BlockCount = BlockCount,
            Fingerprint = BaseFingerprint.Compute(new FlatFile(_views[height]), BlockCount),
            Bits = [.. blocks.Keys],
            Data = new CowImage().Data.SetItems(blocks.Where(block => block.Value is not null).Select(block => KeyValuePair.Create(block.Key, block.Value!))),
            Flags = isPlain ? (ushort)0 : CowImage.BitmapDecides,
        };
        MemoryFile file = image.ToSparse(blocks.Count == 0 ? 0 : image.DataOffset + (blocks.Keys.Max() + 1) * 1024);
        if (!isPlain)
        {
            byte[] id = new byte[16];
            BinaryPrimitives.WriteInt64LittleEndian(id, ++_idCount);
            ExtensionRecord? parent = height > 0 ? RecordOf(Files[height - 1]) : null;
            ExtensionRecord record = change(new ExtensionRecord
            {
                Id = new Guid(id),
                Generation = 5,
                Parent = parent?.ToLink($"{height - 1}.cow"),
                BaseLengthBytes = Base.Length,
                BaseIdentity = BaseIdentity.Compute(new FlatFile(Base), Base.Length),
                BasePath = "disk.img",
            });
            byte[] headerBlock = new byte[1024];
            file.ReadAt(0, headerBlock);
            record.Encode(headerBlock);
            file.WriteAt(0, headerBlock);
        }
        return file;
    }
}
