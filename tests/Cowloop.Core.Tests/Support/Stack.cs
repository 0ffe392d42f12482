using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Tests.Support;

/// <summary>A stack in memory: a base, sealed layers and the device on them, with what each of them must show.</summary>
internal sealed class Stack : IDisposable
{
    private readonly IBlockFile _base;
    private readonly Random _ids;
    private BaseImage _image;

    /// <summary>Makes a device of a base and a new cowfile.</summary>
    /// <param name="content">The base.</param>
    /// <param name="seed">For the identities of the cowfiles.</param>
    public Stack(byte[] content, int seed = 1)
    {
        _base = new FlatFile(content);
        _ids = new Random(seed);
        States.Add(content);
        _image = Disk.ImageOf(_base);
        Device = new StackDevice(NewOverlay(_image, Top));
    }

    /// <summary>The device.</summary>
    public StackDevice Device { get; private set; }

    /// <summary>The sealed cowfiles, bottom to top.</summary>
    public List<MemoryFile> Layers { get; } = [];

    /// <summary>What the base, and then each layer, shows.</summary>
    public List<byte[]> States { get; } = [];

    /// <summary>The cowfile that takes the changes.</summary>
    public MemoryFile Top { get; private set; } = new();

    /// <summary>Opens a base with layers on it, bottom to top.</summary>
    public static BaseImage Open(IBlockFile baseFile, IEnumerable<IBlockFile> layers)
    {
        (IBlockFile, string)[] files = [.. layers.Select((layer, index) => (layer, NameOf(index)))];
        BaseImage image = Disk.ImageOf(baseFile);
        return files.Length == 0 ? image : LayerStack.Open(image, files, new BaseOptions(), HeapWords.Allocate);
    }

    /// <summary>Opens a device of a base, layers and a top.</summary>
    public static StackDevice Open(IBlockFile baseFile, IEnumerable<IBlockFile> layers, IBlockFile top, CowfileOptions options)
    {
        BaseImage image = Open(baseFile, layers);
        return new StackDevice(new Overlay(image.File, Cowfile.Open(top, Disk.Path, image, options), 512));
    }

    /// <summary>What a layer of <see cref="Open(IBlockFile, IEnumerable{IBlockFile})"/> is called.</summary>
    public static string NameOf(int index) => $"layer{index + 1}.cow";

    /// <summary>Seals the top and makes a new one.</summary>
    /// <param name="state">What it must show.</param>
    /// <param name="settle">False to leave the stack as it is for the moment.</param>
    public void Snapshot(ReadOnlySpan<byte> state, bool settle = true)
    {
        Overlay former = Device.Top;
        var next = new MemoryFile();
        Assert.Equal(Errno.None, Device.Snapshot(
            NameOf(Layers.Count),
            _image,
            below =>
            {
                _image = below;
                return NewOverlay(below, next);
            },
            null));
        Layers.Add(Top);
        States.Add(state.ToArray());
        Top = next;
        if (settle)
        {
            Device.Settle((LayerStack)_image.File, former, HeapWords.Allocate);
        }
    }

    /// <summary>Throws the changes away that are in no layer.</summary>
    public void Rollback()
    {
        Overlay former = Device.Top;
        var next = new MemoryFile();
        Assert.Equal(Errno.None, Device.Replace(NewOverlay(_image, next), () => Errno.None));
        Device.Discard(former);
        Top = next;
    }

    /// <summary>Closes everything and opens it again.</summary>
    public void Reopen()
    {
        Assert.Equal(Errno.None, Device.Close());
        _image = Open(_base, Layers);
        Device = new StackDevice(new Overlay(_image.File, Cowfile.Open(Top, Disk.Path, _image, Disk.WithRecord), 512));
    }

    /// <summary>A device of its own on the first layers.</summary>
    public StackDevice Fork(int layerCount) => Open(_base, Layers.Take(layerCount), new MemoryFile(), Disk.WithRecord with { NewId = NewId() });

    public void Dispose() => Device.Dispose();

    private Overlay NewOverlay(BaseImage image, MemoryFile file) =>
        new(image.File, Cowfile.Open(file, Disk.Path, image, Disk.WithRecord with { NewId = NewId() }), 512);

    private Guid NewId() => new(Fixtures.RandomBytes(_ids, 16));
}
