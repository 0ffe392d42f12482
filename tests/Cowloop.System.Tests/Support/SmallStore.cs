namespace Cowloop.SystemTests.Support;

/// <summary>A small filesystem for cowfiles, which can be filled to the last block, and emptied again.</summary>
internal sealed class SmallStore(Mount mount)
{
    /// <summary>A path in it.</summary>
    public string this[string name] => mount[name];

    private string Filler => mount["filler"];

    /// <summary>Takes all space that is left.</summary>
    public void Fill()
    {
        CommandResult result = Shell.Try("dd", "if=/dev/zero", $"of={Filler}", "bs=4096", "oflag=append", "conv=notrunc", "status=none");
        Assert.Contains("No space left on device", result.Error, StringComparison.Ordinal);
    }

    /// <summary>Takes space until so much is left.</summary>
    public void FillBut(long leftBytes)
    {
        using FileStream file = new(Filler, FileMode.Append);
        file.Write(new byte[new DriveInfo(mount.Path).AvailableFreeSpace - leftBytes]);
    }

    /// <summary>Gives all of that back. On a full btrfs a file can't even be cut, only removed.</summary>
    public void Free() => File.Delete(Filler);
}
