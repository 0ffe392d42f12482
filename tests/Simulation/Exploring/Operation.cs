namespace Cowloop.Simulation.Exploring;

/// <summary>What can be done to a device or its files.</summary>
public enum OperationKind
{
    Write,
    WriteFua,
    Zero,
    ZeroFua,
    Discard,
    DiscardFua,
    Rewrite,
    Flush,
    Clean,
    Activate,
    Deactivate,
    Kill,
    PowerLoss,
    Repair,
    Pack,
    Merge,
    Snapshot,
    Rollback,
    Fork,
    SwitchDevice,
    MergeInto,
    MergeLive,
    Compact,
    Rebase,
}

/// <summary>
/// Something done to a device or its files. What needs an active device activates it before, and what needs an inactive one deactivates it. Its text is C#: a
/// list of them can be pasted into a test that uses the methods of this type statically.
/// </summary>
/// <param name="Kind">What.</param>
/// <param name="Sector">The first sector of the device concerned; of a loss of power what decides about what landed.</param>
/// <param name="SectorCount">How many.</param>
public readonly record struct Operation(OperationKind Kind, int Sector = 0, int SectorCount = 0)
{
    public bool HasRange => Kind <= OperationKind.Rewrite;

    public bool IsFua => Kind is OperationKind.WriteFua or OperationKind.ZeroFua or OperationKind.DiscardFua;

    public static Operation Write(int sector, int sectorCount) => new(OperationKind.Write, sector, sectorCount);

    public static Operation WriteFua(int sector, int sectorCount) => new(OperationKind.WriteFua, sector, sectorCount);

    /// <summary>Zeros whose space stays reserved.</summary>
    public static Operation Zero(int sector, int sectorCount) => new(OperationKind.Zero, sector, sectorCount);

    public static Operation ZeroFua(int sector, int sectorCount) => new(OperationKind.ZeroFua, sector, sectorCount);

    public static Operation Discard(int sector, int sectorCount) => new(OperationKind.Discard, sector, sectorCount);

    public static Operation DiscardFua(int sector, int sectorCount) => new(OperationKind.DiscardFua, sector, sectorCount);

    /// <summary>Writes what is read there already.</summary>
    public static Operation Rewrite(int sector, int sectorCount) => new(OperationKind.Rewrite, sector, sectorCount);

    public static Operation Flush() => new(OperationKind.Flush);

    /// <summary><c>cowsync</c></summary>
    public static Operation Clean() => new(OperationKind.Clean);

    public static Operation Activate() => new(OperationKind.Activate);

    public static Operation Deactivate() => new(OperationKind.Deactivate);

    /// <summary>The service dies. The next operation that needs the device recovers it.</summary>
    public static Operation Kill() => new(OperationKind.Kill);

    /// <summary>The power fails. The next operation that needs the device recovers it.</summary>
    public static Operation PowerLoss(int luck) => new(OperationKind.PowerLoss, luck);

    /// <summary><c>cowrepair</c>, of a file that is clean with <c>-f</c>.</summary>
    public static Operation Repair() => new(OperationKind.Repair);

    /// <summary>Packs the cowfile, and unpacks it again in place of the one that was packed. With layers below nothing is done: that is refused.</summary>
    public static Operation Pack() => new(OperationKind.Pack);

    /// <summary>Seals the cowfile of the active device; a new one takes the changes. Nothing is done where that is refused.</summary>
    public static Operation Snapshot() => new(OperationKind.Snapshot);

    /// <summary>Throws the changes in the cowfile of the active device away.</summary>
    public static Operation Rollback() => new(OperationKind.Rollback);

    /// <summary>Merges the cowfile into the base; then a new cowfile is used. With layers below nothing is done.</summary>
    public static Operation Merge() => new(OperationKind.Merge);

    /// <summary>Makes a second device of what the device holds, with a cowfile of its own on the same layers. Nothing is done when there are two.</summary>
    public static Operation Fork() => new(OperationKind.Fork);

    /// <summary>What follows is done to the other device. Nothing is done when there is one only.</summary>
    public static Operation SwitchDevice() => new(OperationKind.SwitchDevice);

    /// <summary>
    /// Merges the cowfile into the layer below it, and goes on with both: what is read is the same. What else lies on that layer is lost, and must be refused
    /// from then on. Without layers nothing is done.
    /// </summary>
    public static Operation MergeInto() => new(OperationKind.MergeInto);

    /// <summary>Merges the topmost layer of the active device into the one below it, and goes on without it. With fewer than two layers nothing is done.</summary>
    public static Operation MergeLive() => new(OperationKind.MergeLive);

    /// <summary>Takes out of all layers, and then out of the cowfile, what is equal to what lies below. Nothing is done with one that was packed.</summary>
    public static Operation Compact() => new(OperationKind.Compact);

    /// <summary>Puts the cowfile on a new base, which is in part like the first one, and on no layers. Nothing is done with one that was packed.</summary>
    public static Operation Rebase() => new(OperationKind.Rebase);

    public override string ToString() => Kind switch
    {
        OperationKind.PowerLoss => $"PowerLoss({Sector})",
        _ when HasRange => $"{Kind}({Sector}, {SectorCount})",
        _ => $"{Kind}()",
    };
}
