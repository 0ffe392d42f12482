using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

internal sealed partial class ChunkTable
{
    /// <summary>What is the same for all that is read. The file is asked for its length once: it may have very many chunks.</summary>
    private readonly record struct Opening(string Name, bool IsSameBoot, long LengthBytes);

    /// <summary>Reads the tables. To be called once, on an empty table, after the map of zeros was read.</summary>
    /// <param name="name">The store as the user named it.</param>
    /// <param name="isSameBoot">True when the boot that wrote last is this one, and no sync has failed: then what was written is all there.</param>
    /// <exception cref="CowloopException">They are damaged or can't be read.</exception>
    public void Load(string name, bool isSameBoot)
    {
        var opening = new Opening(name, isSameBoot, _file.LengthBytes);
        int groupCount = Store.Count;
        if (groupCount > _layout.GroupCountFor(opening.LengthBytes))
        {
            string room = $"{opening.LengthBytes} bytes have room for {_layout.GroupCountFor(opening.LengthBytes)}";
            throw CompactHeader.Damaged(name, $"is incomplete: it has {groupCount} groups of chunks, and {room}");
        }
        var groups = new ChunkGroup[groupCount];
        byte[] table = new byte[CompactLayout.SectorsPerTable * CompactLayout.SectorBytes];
        for (int number = 0; number < groupCount; number++)
        {
            groups[number] = new ChunkGroup(number, _layout.ChunksPerGroup);
            Errno errno = _file.NextData(_layout.TableOffsetBytes(number), out long startBytes, out long endBytes);
            if (errno == Errno.None && startBytes < endBytes && startBytes < _layout.TableEndBytes(number))
            {
                errno = _file.ReadAt(_layout.TableOffsetBytes(number), table);
                if (errno == Errno.None)
                {
                    Load(groups[number], table, opening);
                }
            }
            if (errno != Errno.None)
            {
                long offsetBytes = _layout.TableOffsetBytes(number);
                throw new CowloopException(errno, $"the table at byte {offsetBytes} of compact store {name} cannot be read: {errno.Text()}")
                {
                    Fault = Fault.ReadBitmap,
                };
            }
        }
        _groups = groups;
        foreach (long deviceChunk in _zeros.All())
        {
            LoadZeros(deviceChunk, name);
        }
        for (int chunk = 0; chunk < _unusedChunk; chunk++)
        {
            if (GroupOf(chunk).Descriptors[chunk % _layout.ChunksPerGroup].Owner == 0)
            {
                _free.Push(chunk);
            }
        }
    }

    private void Load(ChunkGroup group, ReadOnlySpan<byte> table, in Opening opening)
    {
        for (int sector = 0; sector < CompactLayout.SectorsPerTable; sector++)
        {
            ReadOnlySpan<byte> content = table.Slice(sector * CompactLayout.SectorBytes, CompactLayout.SectorBytes);
            if (TableSector.IsBlank(content))
            {
                continue;
            }
            if (!TableSector.IsSound(content, _key, TableNumber(group.Number, sector)))
            {
                throw CompactHeader.Damaged(opening.Name, $"has a damaged sector {sector} of its table {group.Number}");
            }
            for (int index = 0; index < _layout.DescriptorsPerSector; index++)
            {
                ReadOnlySpan<byte> descriptor = content.Slice(index * _layout.DescriptorBytes, _layout.DescriptorBytes);
                Load(group, sector * _layout.DescriptorsPerSector + index, descriptor, opening);
            }
        }
    }

    private void Load(ChunkGroup group, int index, ReadOnlySpan<byte> source, in Opening opening)
    {
        int chunk = group.Number * _layout.ChunksPerGroup + index;
        if (!ChunkDescriptor.TryDecode(source, out ChunkDescriptor descriptor) || descriptor.Owner > _layout.DeviceChunkCount)
        {
            throw CompactHeader.Damaged(opening.Name, $"has a damaged descriptor of chunk {chunk}");
        }
        if (descriptor.Owner == 0)
        {
            return;
        }
        long deviceChunk = descriptor.Owner - 1;
        ReadOnlySpan<byte> bits = source[ChunkDescriptor.BitsOffset..];
        bool isFilled = opening.IsSameBoot && descriptor.State == ChunkState.Filling;
        if (!opening.IsSameBoot && !bits.ContainsAnyExcept((byte)0))
        {
            // Taken before the machine went down, and nothing that was promised is in it.
            group.MarkDirty(SectorOf(chunk));
            return;
        }
        if (!_map.Find(deviceChunk).IsNone)
        {
            throw CompactHeader.Damaged(opening.Name, $"holds chunk {deviceChunk} of the device twice");
        }
        bool holdsData = descriptor.State == ChunkState.Data || isFilled;
        if (!_layout.TryAddBits(bits, deviceChunk, _valid) || (holdsData && !_layout.TryAddBits(bits, deviceChunk, _held)))
        {
            throw CompactHeader.Damaged(opening.Name, $"marks blocks behind the end of the device in chunk {chunk}");
        }
        if (holdsData && opening.LengthBytes < EndOfDataBytes(chunk, deviceChunk))
        {
            string reach = $"chunk {chunk} reaches to byte {EndOfDataBytes(chunk, deviceChunk)}";
            throw CompactHeader.Damaged(opening.Name, $"is incomplete: it ends at byte {opening.LengthBytes}, and {reach}");
        }
        if (isFilled)
        {
            NoteFilled(chunk);
        }
        else if (descriptor.State == ChunkState.Filling)
        {
            descriptor = descriptor with { State = ChunkState.Zero };
            group.MarkDirty(SectorOf(chunk));
        }
        group.Descriptors[index] = descriptor;
        _map.Set(deviceChunk, chunk, holdsData);
        if (descriptor.State == ChunkState.Zero && _valid.AreAllSet(deviceChunk * _layout.BlocksPerChunk, _layout.BlockCountOf(deviceChunk)))
        {
            NoteZeroed(chunk);
        }
        _unusedChunk = Math.Max(_unusedChunk, chunk + 1);
    }

    /// <summary>A chunk with a descriptor that has bits is what that says; then what the map of zeros says is older.</summary>
    private void LoadZeros(long deviceChunk, string name)
    {
        if (deviceChunk >= _layout.DeviceChunkCount)
        {
            throw CompactHeader.Damaged(name, $"marks chunk {deviceChunk} as zeros, behind the end of the device");
        }
        long block = deviceChunk * _layout.BlocksPerChunk;
        int blockCount = _layout.BlockCountOf(deviceChunk);
        ChunkPlace place = _map.Find(deviceChunk);
        if (!place.IsNone && _valid.IsAnySet(block, blockCount))
        {
            _zeros.Note(deviceChunk, isSet: false);
            return;
        }
        if (!place.IsNone)
        {
            GroupOf(place.Chunk).Descriptors[place.Chunk % _layout.ChunksPerGroup] = default;
            GroupOf(place.Chunk).MarkDirty(SectorOf(place.Chunk));
            _map.Set(deviceChunk, -1, holdsData: false);
        }
        _valid.Set(block, blockCount, isSet: true);
    }

    /// <summary>Where the last block of a chunk ends that is in it.</summary>
    private long EndOfDataBytes(int chunk, long deviceChunk)
    {
        long block = deviceChunk * _layout.BlocksPerChunk;
        int count = _layout.BlockCountOf(deviceChunk);
        while (count > 0 && !_held.IsAnySet(block + count - 1, 1))
        {
            count--;
        }
        return count == 0 ? 0 : _layout.ChunkOffsetBytes(chunk) + (long)count * CowLayout.BlockSize;
    }
}
