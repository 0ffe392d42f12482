namespace Cowloop.Simulation.Disks;

public enum FileOp
{
    Read,
    Write,
    Punch,
    SetLength,
    Allocate,
    NextData,
    Sync,
}

/// <summary>One call of an <see cref="Cowloop.Core.Files.IBlockFile"/>. Its text is what tests compare: <c>write 4096+1024</c>, <c>sync</c>.</summary>
public readonly record struct FileCall(FileOp Op, long OffsetBytes = 0, long LengthBytes = 0)
{
    public bool Changes => Op is FileOp.Write or FileOp.Punch or FileOp.SetLength or FileOp.Allocate;

    public override string ToString() => Op switch
    {
        FileOp.Sync => "sync",
        FileOp.SetLength => $"setlength {LengthBytes}",
        FileOp.NextData => $"nextdata {OffsetBytes}",
        _ => $"{Op.ToString().ToLowerInvariant()} {OffsetBytes}+{LengthBytes}",
    };
}
