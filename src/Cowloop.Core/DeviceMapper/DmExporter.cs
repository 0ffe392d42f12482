using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.DeviceMapper;

/// <summary>Makes an exception store for device mapper's snapshot target of cowfiles on a base, all of which stay as they are.</summary>
/// <remarks>
/// Chunks are given out in ascending order, as the kernel gives them out, so that its merge finds them adjacent. The header comes last, when all else is
/// durable; until then there is in its place what the kernel refuses.
/// </remarks>
public sealed class DmExporter : IDisposable
{
    /// <summary>The smallest chunk that is made: a page, which every kernel and block device takes.</summary>
    public const long MinChunkBytes = 4096;

    /// <summary>The largest chunk that is made.</summary>
    public const long MaxChunkBytes = 512 * 1024;

    private const int BufferBytes = 1 << 20;

    private readonly CheckedFile _view;
    private readonly CheckedFile _origin;
    private readonly CowLayout _layout;
    private readonly LayerMap _map;
    private readonly DmGeometry _geometry;

    private DmExporter(BaseImage image, LayerMap map, DmGeometry geometry)
    {
        _view = new CheckedFile(image.File, image.Name);
        _origin = new CheckedFile(OriginOf(image.File), image.Name);
        _layout = image.Layout;
        _map = map;
        _geometry = geometry;
        foreach ((long firstChunk, long endChunk) in ChangedChunks())
        {
            ExceptionCount += endChunk - firstChunk;
        }
    }

    /// <summary>Size of a chunk.</summary>
    public long ChunkBytes => _geometry.ChunkBytes;

    /// <summary>Size of the device in sectors, as a table of device mapper gives it.</summary>
    public long SectorCount => _layout.DeviceBytes / DmHeader.SectorBytes;

    /// <summary>Chunks that differ from the base.</summary>
    public long ExceptionCount { get; }

    /// <summary>What the store takes at least: it is full then.</summary>
    public long NeededBytes => _geometry.ChunksFor(ExceptionCount) * ChunkBytes;

    /// <summary>What the store takes when all of the origin has changed: so it can't run full.</summary>
    public long FullBytes => _geometry.ChunksFor(_geometry.ChunksOf(_origin.LengthBytes)) * ChunkBytes;

    /// <summary>Finds what is to be exported.</summary>
    /// <param name="image">The base, through the layers; not owned.</param>
    /// <param name="layers">All layers of it, bottom to top.</param>
    /// <param name="chunkBytes">Size of a chunk.</param>
    /// <param name="allocateZeroedWords">Memory, as for <see cref="Bitmap"/>.</param>
    /// <exception cref="CowloopException">Device mapper can't have such chunks or such a device, or a bitmap can't be read.</exception>
    public static DmExporter Prepare(BaseImage image, IReadOnlyList<Layer> layers, long chunkBytes, Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(layers);
        if (!BitOperations.IsPow2(chunkBytes) || chunkBytes is < MinChunkBytes or > MaxChunkBytes)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"a chunk can't have {chunkBytes} bytes",
                $"name a power of two from {MinChunkBytes / 1024}K to {MaxChunkBytes / 1024}K");
        }
        if (image.File.LengthBytes > image.LengthBytes)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"the device of {image.Top?.Name} has {image.File.LengthBytes} bytes, and {image.Name} only {image.LengthBytes}: "
                + "a device mapper snapshot is not larger than its origin",
                "make a new image of all: cowloop flatten BASE COWFILE -o NEW.img")
            {
                Fault = Fault.OtherSize,
            };
        }
        var map = new LayerMap(image.Layout.BlockCount, Math.Max(1, layers.Count), allocateZeroedWords);
        try
        {
            foreach (Layer layer in layers)
            {
                map.Add(layer.ReadBitmap());
            }
            return new DmExporter(image, map, new DmGeometry(chunkBytes));
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Writes the store; it is durable on return. After an exception or a crash the kernel and <see cref="DmImporter"/> refuse it.</summary>
    /// <param name="store">Gets it.</param>
    /// <param name="isNew">The file is empty, and gets the length at which it can't run full; else it keeps its length and all that it had is lost.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">It is too small (nothing was written then), or a file can't be read or written.</exception>
    public void Run(CheckedFile store, bool isNew, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(observer);
        if (!isNew && store.LengthBytes < NeededBytes)
        {
            throw new CowloopException(
                Errno.ENOSPC,
                $"{store.Name} is too small: it has {store.LengthBytes} bytes, and {ExceptionCount} changed chunks of {ChunkBytes} bytes take {NeededBytes}",
                $"name a device that is larger; one of {FullBytes} bytes can't run full")
            {
                Fault = Fault.WriteData,
            };
        }
        observer.Begin("exporting", ExceptionCount * ChunkBytes);
        byte[] head = new byte[ChunkBytes];
        DmHeader.EncodeUnfinished(head);
        store.Write(0, head, Fault.WriteHeader);
        store.Sync(Fault.WriteHeader);
        if (isNew)
        {
            store.SetLength(FullBytes, Fault.WriteData);
        }
        WriteAreas(store, isNew, observer);
        store.Sync(Fault.WriteData);
        new DmHeader(ChunkBytes).Encode(head);
        store.Write(0, head, Fault.WriteHeader);
        store.Sync(Fault.WriteHeader);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _map.Dispose();

    /// <summary>The base itself: what a partial block at its end has is in no view through layers.</summary>
    private static IBlockFile OriginOf(IBlockFile file)
    {
        while (file is LayerStack stack)
        {
            file = stack.Below;
        }
        return file;
    }

    /// <summary>The chunks that have a changed block, in ascending order; adjacent ones together.</summary>
    private IEnumerable<(long FirstChunk, long EndChunk)> ChangedChunks()
    {
        long first = 0;
        long end = 0;
        for (long block = 0; block < _layout.BlockCount;)
        {
            bool isChanged = _map.FindOwner(block, _layout.BlockCount - block, out long count) > 0;
            long startBytes = block * CowLayout.BlockSize;
            block += count;
            if (!isChanged)
            {
                continue;
            }
            long nextFirst = startBytes / ChunkBytes;
            if (nextFirst > end)
            {
                if (end > first)
                {
                    yield return (first, end);
                }
                first = nextFirst;
            }
            end = _geometry.ChunksOf(block * CowLayout.BlockSize);
        }
        if (end > first)
        {
            yield return (first, end);
        }
    }

    private void WriteAreas(CheckedFile store, bool isNew, IWorkObserver observer)
    {
        byte[] table = new byte[ChunkBytes];
        byte[] buffer = new byte[BufferBytes];
        long index = 0;
        foreach ((long firstChunk, long endChunk) in ChangedChunks())
        {
            for (long chunk = firstChunk; chunk < endChunk;)
            {
                long room = _geometry.ExceptionsPerArea - index % _geometry.ExceptionsPerArea;
                int count = (int)Math.Min(endChunk - chunk, Math.Min(room, BufferBytes / ChunkBytes));
                Span<byte> data = buffer.AsSpan(0, count * (int)ChunkBytes);
                Read(chunk * ChunkBytes, data);
                Write(_geometry.DataChunk(index), data);
                for (; count > 0; count--)
                {
                    int slotBytes = (int)(index % _geometry.ExceptionsPerArea) * DmGeometry.ExceptionBytes;
                    BinaryPrimitives.WriteInt64LittleEndian(table.AsSpan(slotBytes), chunk++);
                    BinaryPrimitives.WriteInt64LittleEndian(table.AsSpan(slotBytes + sizeof(long)), _geometry.DataChunk(index++));
                }
                if (index % _geometry.ExceptionsPerArea == 0)
                {
                    Write(_geometry.TableChunk(index / _geometry.ExceptionsPerArea - 1), table);
                    table.AsSpan().Clear();
                }
                observer.Advance(data.Length);
            }
        }
        // The last one has the end of the table, also when nothing else is in it.
        Write(_geometry.TableChunk(index / _geometry.ExceptionsPerArea), table);

        void Write(long chunk, ReadOnlySpan<byte> source)
        {
            if (isNew)
            {
                NewFileWriter.Write(store, chunk * ChunkBytes, source, Fault.WriteData);
            }
            else
            {
                store.Write(chunk * ChunkBytes, source, Fault.WriteData);
            }
        }
    }

    /// <summary>Reads chunks of the device; the last one goes on with what the origin has there, and with zeros.</summary>
    private void Read(long offsetBytes, Span<byte> target)
    {
        int viewBytes = (int)Math.Min(target.Length, _view.LengthBytes - offsetBytes);
        int originBytes = (int)Math.Clamp(_origin.LengthBytes - offsetBytes, viewBytes, target.Length);
        _view.Read(offsetBytes, target[..viewBytes], Fault.ReadData);
        if (originBytes > viewBytes)
        {
            _origin.Read(offsetBytes + viewBytes, target[viewBytes..originBytes], Fault.ReadData);
        }
        target[originBytes..].Clear();
    }
}
