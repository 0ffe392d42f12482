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
public sealed class LayerStack : ReadOnlyFile
{
    /// <summary>The most layers that a stack can have, its writable top not counted.</summary>
    public const int MaxLayers = 32;

    private volatile Arrangement _now;
    private long _lengthBytes;

    private LayerStack(IBlockFile below, LayerMap map) => _now = new Arrangement(below, [], map);

    /// <summary>What lies below all layers: the base, or for a moment after a snapshot another stack; owned.</summary>
    public IBlockFile Below => _now.Below;

    /// <summary>The layers on that, bottom to top; at least one; owned.</summary>
    public IReadOnlyList<Layer> Layers => _now.Layers;

    /// <inheritdoc/>
    public override long LengthBytes => _lengthBytes;

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
            var stack = new LayerStack(BelowOf(image, files[0], blockCount * CowLayout.BlockSize), map);
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

    /// <summary>Puts a cowfile that has just been sealed on what it lies on, at once: its bitmap in memory is the map.</summary>
    /// <param name="below">What it lies on.</param>
    /// <param name="layer">The cowfile.</param>
    /// <param name="bitmap">Its bitmap, which must outlive the result.</param>
    internal static LayerStack On(IBlockFile below, Layer layer, Bitmap bitmap)
    {
        var stack = new LayerStack(below, new LayerMap(bitmap));
        stack._now.Layers.Add(layer);
        stack._lengthBytes = layer.Layout.DeviceBytes;
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
    public override Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        if (offsetBytes < 0 || offsetBytes > LengthBytes - target.Length)
        {
            return Errno.EIO;
        }
        Arrangement now = _now;
        while (!target.IsEmpty)
        {
            int length = (int)now.FindRun(offsetBytes, target.Length, out IBlockFile file, out long shiftBytes);
            Errno errno = file.ReadAt(shiftBytes + offsetBytes, target[..length]);
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
    public override Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target)
    {
        if (offsetBytes < 0 || offsetBytes > LengthBytes - lengthBytes)
        {
            return Errno.EIO;
        }
        Arrangement now = _now;
        for (long endBytes = offsetBytes + lengthBytes; offsetBytes < endBytes;)
        {
            int length = (int)now.FindRun(offsetBytes, endBytes - offsetBytes, out IBlockFile file, out long shiftBytes);
            Errno errno = file.ReadTo(shiftBytes + offsetBytes, length, target);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += length;
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public override Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        Arrangement now = _now;
        while (offsetBytes < LengthBytes)
        {
            long length = now.FindRun(offsetBytes, LengthBytes - offsetBytes, out IBlockFile file, out long shiftBytes);
            Errno errno = file.NextData(shiftBytes + offsetBytes, out startBytes, out endBytes);
            if (errno != Errno.None)
            {
                startBytes = endBytes = offsetBytes;
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
    protected override void Dispose(bool disposing)
    {
        Arrangement now = _now;
        now.Map.Dispose();
        foreach (Layer layer in now.Layers)
        {
            layer.Dispose();
        }
        now.Below.Dispose();
    }

    /// <summary>Makes one stack of this and the one below it, while both are read through.</summary>
    /// <param name="allocateZeroedWords">Memory, as for <see cref="Bitmap"/>.</param>
    /// <returns>Gives back what only the former arrangement needs; to be called when nobody reads through it any more.</returns>
    /// <exception cref="CowloopException">A bitmap can't be read; nothing has changed.</exception>
    internal Action Flatten(Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        Arrangement former = _now;
        Arrangement? lower = (former.Below as LayerStack)?._now;
        return Rearrange(lower?.Below ?? former.Below, [.. lower?.Layers ?? [], .. former.Layers], allocateZeroedWords);
    }

    /// <summary>Takes the topmost layer away, which the one below it holds completely by now, while both are read.</summary>
    /// <param name="merged">The layer below as it is now; it goes on using the same file.</param>
    /// <param name="allocateZeroedWords">Memory, as for <see cref="Bitmap"/>.</param>
    /// <returns>As for <see cref="Flatten"/>; it closes the layer that is gone.</returns>
    /// <exception cref="CowloopException">A bitmap can't be read; nothing has changed.</exception>
    internal Action DropTop(Layer merged, Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        Arrangement former = _now;
        Layer dropped = former.Layers[^1];
        Action release = Rearrange(former.Below, [.. former.Layers[..^2], merged], allocateZeroedWords);
        return () =>
        {
            release();
            dropped.Dispose();
        };
    }

    /// <summary>
    /// A device that is not larger than its base ends with the last whole block of it. What is larger on top of that has zeros there, not the rest of the base.
    /// </summary>
    private static IBlockFile BelowOf(BaseImage image, (IBlockFile File, string Name) lowest, long lengthBytes)
    {
        long wholeBytes = image.Layout.DeviceBytes;
        bool hidesRest = lengthBytes > wholeBytes
            && image.File.LengthBytes > wholeBytes
            && BlockCountOf(new CheckedFile(lowest.File, lowest.Name)) == image.Layout.BlockCount;
        return hidesRest ? new GrownFile(image.File, wholeBytes, lengthBytes) : GrownFile.AtLeast(image.File, lengthBytes);
    }

    private static long BlockCountOf(CheckedFile file)
    {
        CowHeader header = CowfileChecks.ReadHeader(file, new byte[CowLayout.BlockSize]);
        return CowfileChecks.RequireLayout(header, file.Name).BlockCount;
    }

    private Action Rearrange(IBlockFile below, List<Layer> layers, Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        Arrangement former = _now;
        var map = new LayerMap(LengthBytes / CowLayout.BlockSize, layers.Count, allocateZeroedWords);
        try
        {
            foreach (Layer layer in layers)
            {
                map.Add(layer.ReadBitmap());
            }
        }
        catch
        {
            map.Dispose();
            throw;
        }
        _now = new Arrangement(below, layers, map);
        return () =>
        {
            former.Map.Dispose();
            if (former.Below != below && former.Below is LayerStack lower)
            {
                lower._now.Map.Dispose();
            }
        };
    }

    private void Add(Layer layer)
    {
        _now.Map.Add(layer.ReadBitmap());
        _now.Layers.Add(layer);
        _lengthBytes = layer.Layout.DeviceBytes;
    }

    /// <summary>What is read through; exchanged as a whole.</summary>
    private sealed record Arrangement(IBlockFile Below, List<Layer> Layers, LayerMap Map)
    {
        /// <summary>Finds the file that holds what is at an offset, and how far it does.</summary>
        /// <param name="offsetBytes">Offset on the device.</param>
        /// <param name="maxBytes">The answer is at most this.</param>
        /// <param name="file">The file.</param>
        /// <param name="shiftBytes">How much further it lies there.</param>
        public long FindRun(long offsetBytes, long maxBytes, out IBlockFile file, out long shiftBytes)
        {
            long block = offsetBytes / CowLayout.BlockSize;
            long lastBlock = (offsetBytes + maxBytes - 1) / CowLayout.BlockSize;
            int owner = Map.FindOwner(block, lastBlock - block + 1, out long count);
            Layer? layer = owner == 0 ? null : Layers[owner - 1];
            file = layer?.File ?? Below;
            shiftBytes = layer?.Layout.DataOffsetBytes ?? 0;
            return Math.Min(maxBytes, (block + count) * CowLayout.BlockSize - offsetBytes);
        }
    }
}
