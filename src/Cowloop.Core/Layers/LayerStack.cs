using System.Buffers;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Layers;

/// <summary>
/// A base with read-only layers on it, seen as one read-only file: what the topmost cowfile of a stack lies on. Reading costs the same however many layers
/// there are.
/// </summary>
public sealed class LayerStack : IBlockFile
{
    /// <summary>The most layers that a stack can have, its writable top not counted.</summary>
    public const int MaxLayers = 32;

    private readonly LayerMap _map;
    private readonly List<Layer> _layers = [];

    private LayerStack(IBlockFile below, LayerMap map)
    {
        Below = below;
        _map = map;
    }

    /// <summary>What lies below all layers: the base, or for a moment another stack; owned.</summary>
    public IBlockFile Below { get; }

    /// <summary>The layers, bottom to top; at least one; owned.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <inheritdoc/>
    public long LengthBytes { get; private set; }

    /// <summary>Opens layers on a base, and verifies that each lies on the one before.</summary>
    /// <param name="image">The base. Its file is owned by the result; after an exception it is still the caller's, and so are the layers' files.</param>
    /// <param name="files">The layers' files with their names, bottom to top; at least one. Locked by the caller so that nobody writes to them.</param>
    /// <param name="options">What the user wants of the base.</param>
    /// <param name="allocateZeroedWords">Memory, as for <see cref="Bitmap"/>.</param>
    /// <returns>The base with the layers on it; its file is a stack.</returns>
    /// <exception cref="CowloopException">One of them can't lie there.</exception>
    public static BaseImage Open(
        BaseImage image,
        IReadOnlyList<(IBlockFile File, string Name)> files,
        BaseOptions options,
        Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(files);
        RequireCount(files.Count);
        // A layer can be larger than what it lies on, but never smaller; what is too small is refused when its turn comes.
        long blockCount = image.Layout.BlockCount;
        foreach ((IBlockFile file, string name) in files)
        {
            blockCount = Math.Max(blockCount, BlockCountOf(new CheckedFile(file, name)));
        }
        var map = new LayerMap(blockCount, files.Count, allocateZeroedWords);
        try
        {
            var stack = new LayerStack(GrownFile.AtLeast(image.File, blockCount * CowLayout.BlockSize), map);
            foreach ((IBlockFile file, string name) in files)
            {
                stack.Add(Layer.Open(file, name, image, options));
                image = image.On(stack);
            }
            return image;
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Puts layers that are known to be sound on a base.</summary>
    /// <param name="below">The base; owned by the result.</param>
    /// <param name="layers">The layers, bottom to top; owned by the result.</param>
    /// <param name="allocateZeroedWords">Memory, as for <see cref="Bitmap"/>.</param>
    /// <exception cref="CowloopException">A bitmap can't be read; everything is still the caller's.</exception>
    internal static LayerStack Create(IBlockFile below, IReadOnlyList<Layer> layers, Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        var map = new LayerMap(layers[^1].Layout.BlockCount, layers.Count, allocateZeroedWords);
        try
        {
            var stack = new LayerStack(below, map);
            foreach (Layer layer in layers)
            {
                stack.Add(layer);
            }
            return stack;
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Puts a cowfile that has just been sealed on what it lies on, at once: its bitmap in memory is the map.</summary>
    /// <param name="below">What it lies on.</param>
    /// <param name="layer">The cowfile.</param>
    /// <param name="bitmap">Its bitmap, which must outlive the result.</param>
    internal static LayerStack On(IBlockFile below, Layer layer, Bitmap bitmap)
    {
        var stack = new LayerStack(below, new LayerMap(bitmap));
        stack._layers.Add(layer);
        stack.LengthBytes = layer.Layout.DeviceBytes;
        return stack;
    }

    /// <summary>Refuses more layers than there can be.</summary>
    /// <exception cref="CowloopException">There are more.</exception>
    public static void RequireCount(int layerCount)
    {
        if (layerCount > MaxLayers)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{layerCount} layers are too many: a stack has at most {MaxLayers}, and the cowfile that takes the writes",
                "merge some of them: cowloop merge UPPER --into LOWER");
        }
    }

    /// <inheritdoc/>
    public Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        if (offsetBytes < 0 || offsetBytes > LengthBytes - target.Length)
        {
            return Errno.EIO;
        }
        while (!target.IsEmpty)
        {
            int length = NextRun(offsetBytes, target.Length, out int owner);
            Errno errno = owner == 0
                ? Below.ReadAt(offsetBytes, target[..length])
                : _layers[owner - 1].File.ReadAt(_layers[owner - 1].Layout.DataOffsetBytes + offsetBytes, target[..length]);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += length;
            target = target[length..];
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        while (offsetBytes < LengthBytes)
        {
            int length = NextRun(offsetBytes, (int)Math.Min(int.MaxValue, LengthBytes - offsetBytes), out int owner);
            long shiftBytes = owner == 0 ? 0 : _layers[owner - 1].Layout.DataOffsetBytes;
            IBlockFile file = owner == 0 ? Below : _layers[owner - 1].File;
            Errno errno = file.NextData(shiftBytes + offsetBytes, out startBytes, out endBytes);
            if (errno != Errno.None)
            {
                return errno;
            }
            startBytes -= shiftBytes;
            endBytes = Math.Min(offsetBytes + length, endBytes - shiftBytes);
            if (startBytes < endBytes)
            {
                return Errno.None;
            }
            offsetBytes += length;
        }
        startBytes = endBytes = offsetBytes;
        return Errno.None;
    }

    /// <inheritdoc/>
    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Punch(long offsetBytes, long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno SetLength(long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Allocate(long offsetBytes, long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Sync() => Errno.None;

    /// <inheritdoc/>
    public void Dispose()
    {
        _map.Dispose();
        foreach (Layer layer in _layers)
        {
            layer.Dispose();
        }
        Below.Dispose();
    }

    /// <summary>Gives up only what this stack has of its own, the map: base and layers belong to another stack now. Nobody reads through it any more.</summary>
    internal void DisposeMap() => _map.Dispose();

    private static long BlockCountOf(CheckedFile file)
    {
        CowHeader header = CowfileChecks.ReadHeader(file, new byte[CowLayout.BlockSize]);
        return CowfileChecks.RequireLayout(header, file.Name).BlockCount;
    }

    private void Add(Layer layer)
    {
        _map.Add(layer.ReadBitmap());
        _layers.Add(layer);
        LengthBytes = layer.Layout.DeviceBytes;
    }

    private int NextRun(long offsetBytes, int maxBytes, out int owner)
    {
        long block = offsetBytes / CowLayout.BlockSize;
        long lastBlock = (offsetBytes + maxBytes - 1) / CowLayout.BlockSize;
        owner = _map.FindOwner(block, lastBlock - block + 1, out long count);
        return (int)Math.Min(maxBytes, (block + count) * CowLayout.BlockSize - offsetBytes);
    }
}
