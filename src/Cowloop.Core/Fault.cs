namespace Cowloop.Core;

/// <summary>
/// What exactly failed, where an error number is too coarse: the classic tools have a text of their own for each
/// (specification 5.6-5.9).
/// </summary>
public enum Fault
{
    /// <summary>Nothing that a tool tells apart.</summary>
    None,
    /// <summary>The header of a cowfile can't be read, or the file is shorter than one.</summary>
    ReadHeader,
    /// <summary>The header of a cowfile can't be written.</summary>
    WriteHeader,
    /// <summary>The bitmap of a cowfile can't be read, or the file ends within it.</summary>
    ReadBitmap,
    /// <summary>The bitmap of a cowfile can't be written.</summary>
    WriteBitmap,
    /// <summary>Blocks can't be read, or the file ends before them.</summary>
    ReadData,
    /// <summary>Blocks can't be written.</summary>
    WriteData,
    /// <summary>Not a cowfile at all.</summary>
    WrongMagic,
    /// <summary>A header version that is not 1.</summary>
    WrongVersion,
    /// <summary>Packed, where it must not be.</summary>
    Packed,
    /// <summary>Not packed, where it must be.</summary>
    NotPacked,
    /// <summary>Packed in another encoding than was said.</summary>
    OtherEncoding,
    /// <summary>Dirty, where it must not be.</summary>
    Dirty,
    /// <summary>The parts of the cowfile contradict each other.</summary>
    Damaged,
    /// <summary>The base has another fingerprint than the one that the cowfile was made for.</summary>
    OtherBase,
    /// <summary>The base has another size than the one that the cowfile was made for.</summary>
    OtherSize,
    /// <summary>What lies below a cowfile is not the layer that it was made on.</summary>
    OtherParent,
}
