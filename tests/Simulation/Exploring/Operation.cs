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
    public bool HasRange => Kind <= OperationKind.DiscardFua;

    public bool IsFua => Kind is OperationKind.WriteFua or OperationKind.ZeroFua or OperationKind.DiscardFua;

    public static Operation Write(int sector, int sectorCount) => new(OperationKind.Write, sector, sectorCount);

    public static Operation WriteFua(int sector, int sectorCount) => new(OperationKind.WriteFua, sector, sectorCount);

    /// <summary>Zeros whose space stays reserved.</summary>
    public static Operation Zero(int sector, int sectorCount) => new(OperationKind.Zero, sector, sectorCount);

    public static Operation ZeroFua(int sector, int sectorCount) => new(OperationKind.ZeroFua, sector, sectorCount);

    public static Operation Discard(int sector, int sectorCount) => new(OperationKind.Discard, sector, sectorCount);

    public static Operation DiscardFua(int sector, int sectorCount) => new(OperationKind.DiscardFua, sector, sectorCount);

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

    public override string ToString() => Kind switch
    {
        OperationKind.PowerLoss => $"PowerLoss({Sector})",
        _ when HasRange => $"{Kind}({Sector}, {SectorCount})",
        _ => $"{Kind}()",
    };
}
