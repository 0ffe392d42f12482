using System.Buffers.Binary;
using System.Text;

namespace Cowloop.Core.Format;

/// <summary>What was found where the extension record lies.</summary>
public enum RecordState
{
    /// <summary>No record: the original's file, or a plain one.</summary>
    None,
    /// <summary>A record that can be used.</summary>
    Present,
    /// <summary>A record of a later version, or one that demands something unknown.</summary>
    Newer,
    /// <summary>A record whose checksum or content is wrong.</summary>
    Damaged,
}

/// <summary>
/// What version 1 of the format can't say: which cowfile this is, and which base it belongs to. One sector in the reserved part of the header
/// block, always little-endian. The originals keep it or drop it; a file is good without it.
/// </summary>
public sealed record ExtensionRecord
{
    /// <summary>Where it lies: the second sector of the header block.</summary>
    public const int OffsetBytes = 512;

    /// <summary>Its length: one sector, so it is written as a whole or not at all.</summary>
    public const int LengthBytes = 512;

    /// <summary>The longest path that fits, in bytes of UTF-8. Where there is a parent its path shares the room.</summary>
    public const int MaxPathBytes = MergedIdOffset - PathOffset;

    private const ulong Magic = 0x58504F4F4C574F43; // the bytes "COWLOOPX"
    private const ushort SupportedVersion = 1;

    // What a reader must know to use the file rightly.
    private const uint HasParentFeature = 1;
    private const uint SealedFeature = 2;
    private const uint MergedFeature = 4;
    private const uint MergingFeature = 8;
    private const uint LargerFeature = 16;
    private const uint KnownFeatures = HasParentFeature | SealedFeature | MergedFeature | MergingFeature | LargerFeature;

    private const int VersionOffset = 8;
    private const int PathLengthOffset = 10;
    private const int FeaturesOffset = 12;
    private const int AcceptCountOffset = 16;
    private const int ParentPathLengthOffset = 20;
    private const int IdOffset = 24;
    private const int GenerationOffset = 40;
    private const int BaseLengthOffset = 48;
    private const int HeadOffset = 56;
    private const int SamplesOffset = 72;
    private const int TailOffset = 88;
    private const int DigestOffset = 104;
    private const int FileSystemOffset = 136;
    private const int InodeOffset = 144;
    private const int ModifiedOffset = 152;
    private const int ChangedOffset = 160;
    private const int ParentIdOffset = 168;
    private const int ParentGenerationOffset = 184;
    private const int PathOffset = 192;
    private const int MergedIdOffset = 476;
    private const int MergedGenerationOffset = 492;
    private const int MergedFormerOffset = 500;
    private const int ChecksumOffset = 508;

    /// <summary>Which cowfile this is; random, and for ever.</summary>
    public required Guid Id { get; init; }

    /// <summary>Raised, durably, before the first change after a clean state: who knows the number knows the content.</summary>
    public ulong Generation { get; init; }

    /// <summary>Exact length of the base in bytes.</summary>
    public required long BaseLengthBytes { get; init; }

    /// <summary>What the base holds, from samples.</summary>
    public required BaseIdentity BaseIdentity { get; init; }

    /// <summary>SHA-256 of the whole base; null when it was never read whole.</summary>
    public byte[]? BaseDigest { get; init; }

    /// <summary>Which file the base was; null when it was none that knows when it was changed.</summary>
    public BaseHints? BaseHints { get; init; }

    /// <summary>Where the base was: relative to the cowfile's directory where it does not start with a slash; empty when that did not fit.</summary>
    public string BasePath { get; init; } = "";

    /// <summary>How often a changed base was taken in spite of the change.</summary>
    public uint AcceptedChangeCount { get; init; }

    /// <summary>The layer that it lies on; null when it lies on the base itself.</summary>
    public ParentLink? Parent { get; init; }

    /// <summary>True for a layer: it is never written again, for that would ruin what lies on it.</summary>
    public bool IsSealed { get; init; }

    /// <summary>What was merged into it last, or is just being; null when nothing was, or it has been written to since.</summary>
    public MergedLayer? Merged { get; init; }

    /// <summary>True when the device is larger than the base; the header then has version 2.</summary>
    public bool IsLargerThanBase { get; init; }

    /// <summary>This cowfile, as one that lies on it names it.</summary>
    /// <param name="path">Where it is, seen from that one.</param>
    public ParentLink ToLink(string path) => new(Id, Generation, path);

    private uint Features => (Parent is null ? 0 : HasParentFeature)
        | (IsSealed ? SealedFeature : 0)
        | (Merged is null ? 0 : Merged.Value.IsComplete ? MergedFeature : MergingFeature)
        | (IsLargerThanBase ? LargerFeature : 0);

    /// <summary>Reads the record.</summary>
    /// <param name="headerBlock">The header block of the cowfile, 1024 bytes.</param>
    /// <param name="record">The record when it is present, else null.</param>
    public static RecordState TryDecode(ReadOnlySpan<byte> headerBlock, out ExtensionRecord? record)
    {
        record = null;
        ReadOnlySpan<byte> sector = headerBlock.Slice(OffsetBytes, LengthBytes);
        if (BinaryPrimitives.ReadUInt64LittleEndian(sector) != Magic)
        {
            return RecordState.None;
        }
        if (BinaryPrimitives.ReadUInt32LittleEndian(sector[ChecksumOffset..]) != Checksum(sector))
        {
            return RecordState.Damaged;
        }
        uint features = BinaryPrimitives.ReadUInt32LittleEndian(sector[FeaturesOffset..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(sector[VersionOffset..]) != SupportedVersion || (features & ~KnownFeatures) != 0)
        {
            return RecordState.Newer;
        }
        int pathBytes = BinaryPrimitives.ReadUInt16LittleEndian(sector[PathLengthOffset..]);
        int parentPathBytes = BinaryPrimitives.ReadUInt16LittleEndian(sector[ParentPathLengthOffset..]);
        long baseLengthBytes = BinaryPrimitives.ReadInt64LittleEndian(sector[BaseLengthOffset..]);
        if (pathBytes + parentPathBytes > MaxPathBytes || baseLengthBytes < 0)
        {
            return RecordState.Damaged;
        }
        ReadOnlySpan<byte> digest = sector.Slice(DigestOffset, BaseIdentity.DigestBytes);
        ulong inode = BinaryPrimitives.ReadUInt64LittleEndian(sector[InodeOffset..]);
        record = new ExtensionRecord
        {
            Id = new Guid(sector.Slice(IdOffset, 16), bigEndian: true),
            Generation = BinaryPrimitives.ReadUInt64LittleEndian(sector[GenerationOffset..]),
            BaseLengthBytes = baseLengthBytes,
            BaseIdentity = new BaseIdentity(
                BinaryPrimitives.ReadUInt128LittleEndian(sector[HeadOffset..]),
                BinaryPrimitives.ReadUInt128LittleEndian(sector[SamplesOffset..]),
                BinaryPrimitives.ReadUInt128LittleEndian(sector[TailOffset..])),
            BaseDigest = digest.ContainsAnyExcept((byte)0) ? digest.ToArray() : null,
            BaseHints = inode == 0
                ? null
                : new BaseHints(
                    BinaryPrimitives.ReadUInt64LittleEndian(sector[FileSystemOffset..]),
                    inode,
                    BinaryPrimitives.ReadInt64LittleEndian(sector[ModifiedOffset..]),
                    BinaryPrimitives.ReadInt64LittleEndian(sector[ChangedOffset..])),
            BasePath = Encoding.UTF8.GetString(sector.Slice(PathOffset, pathBytes)),
            AcceptedChangeCount = BinaryPrimitives.ReadUInt32LittleEndian(sector[AcceptCountOffset..]),
            Parent = (features & HasParentFeature) == 0
                ? null
                : new ParentLink(
                    new Guid(sector.Slice(ParentIdOffset, 16), bigEndian: true),
                    BinaryPrimitives.ReadUInt64LittleEndian(sector[ParentGenerationOffset..]),
                    Encoding.UTF8.GetString(sector.Slice(PathOffset + pathBytes, parentPathBytes))),
            IsSealed = (features & SealedFeature) != 0,
            Merged = (features & (MergedFeature | MergingFeature)) == 0
                ? null
                : new MergedLayer(
                    new Guid(sector.Slice(MergedIdOffset, 16), bigEndian: true),
                    BinaryPrimitives.ReadUInt64LittleEndian(sector[MergedGenerationOffset..]),
                    BinaryPrimitives.ReadUInt64LittleEndian(sector[MergedFormerOffset..]),
                    IsComplete: (features & MergingFeature) == 0),
            IsLargerThanBase = (features & LargerFeature) != 0,
        };
        return RecordState.Present;
    }

    /// <summary>Writes the record into a header block; bytes that it does not define stay as they are.</summary>
    public void Encode(Span<byte> headerBlock)
    {
        Span<byte> sector = headerBlock.Slice(OffsetBytes, LengthBytes);
        // A path is left out where it does not fit: half of one leads nowhere. The parent can be found by its name; the base has none.
        string path = Encoding.UTF8.GetByteCount(BasePath) <= MaxPathBytes ? BasePath : "";
        int pathBytes = Encoding.UTF8.GetByteCount(path);
        string parentPath = Parent?.Path ?? "";
        parentPath = Encoding.UTF8.GetByteCount(parentPath) <= MaxPathBytes - pathBytes ? parentPath : "";
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(sector[VersionOffset..], SupportedVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[FeaturesOffset..], Features);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[AcceptCountOffset..], AcceptedChangeCount);
        _ = Id.TryWriteBytes(sector[IdOffset..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[GenerationOffset..], Generation);
        BinaryPrimitives.WriteInt64LittleEndian(sector[BaseLengthOffset..], BaseLengthBytes);
        BinaryPrimitives.WriteUInt128LittleEndian(sector[HeadOffset..], BaseIdentity.Head);
        BinaryPrimitives.WriteUInt128LittleEndian(sector[SamplesOffset..], BaseIdentity.Samples);
        BinaryPrimitives.WriteUInt128LittleEndian(sector[TailOffset..], BaseIdentity.Tail);
        sector.Slice(DigestOffset, BaseIdentity.DigestBytes).Clear();
        BaseDigest?.CopyTo(sector[DigestOffset..]);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[FileSystemOffset..], BaseHints?.FileSystemId ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[InodeOffset..], BaseHints?.Inode ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(sector[ModifiedOffset..], BaseHints?.ModifiedNanoseconds ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(sector[ChangedOffset..], BaseHints?.ChangedNanoseconds ?? 0);
        sector[ParentIdOffset..ChecksumOffset].Clear();
        if (Parent is ParentLink parent)
        {
            _ = parent.Id.TryWriteBytes(sector[ParentIdOffset..], bigEndian: true, out _);
            BinaryPrimitives.WriteUInt64LittleEndian(sector[ParentGenerationOffset..], parent.Generation);
        }
        if (Merged is MergedLayer merged)
        {
            _ = merged.Id.TryWriteBytes(sector[MergedIdOffset..], bigEndian: true, out _);
            BinaryPrimitives.WriteUInt64LittleEndian(sector[MergedGenerationOffset..], merged.Generation);
            BinaryPrimitives.WriteUInt64LittleEndian(sector[MergedFormerOffset..], merged.FormerGeneration);
        }
        BinaryPrimitives.WriteUInt16LittleEndian(sector[PathLengthOffset..], (ushort)pathBytes);
        Encoding.UTF8.GetBytes(path, sector[PathOffset..MergedIdOffset]);
        int parentPathBytes = Encoding.UTF8.GetBytes(parentPath, sector[(PathOffset + pathBytes)..MergedIdOffset]);
        BinaryPrimitives.WriteUInt16LittleEndian(sector[ParentPathLengthOffset..], (ushort)parentPathBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[ChecksumOffset..], Checksum(sector));
    }

    private static uint Checksum(ReadOnlySpan<byte> sector) => Crc32C.Compute(sector[..ChecksumOffset]);
}
