namespace Cowloop.Tests.Support;

/// <summary>A loop device of the test's own, for instance to have a block device as a base.</summary>
internal sealed class LoopBack : IDisposable
{
    private LoopBack(string path)
    {
        Path = path;
    }

    /// <summary>/dev/loopN.</summary>
    public string Path { get; }

    public static LoopBack ReadOnly(string file, params string[] options) => Of(file, [.. options, "--read-only"]);

    public static LoopBack Of(string file, params string[] options) =>
        new(Shell.Run("losetup", [.. options, "--find", "--show", file]).Line);

    /// <summary>Under a number that is free.</summary>
    public static LoopBack At(string path, string file)
    {
        Shell.Run("losetup", path, file);
        return new LoopBack(path);
    }

    /// <summary>Fails unless it still is what it was made, and readable.</summary>
    public void MustServe(string file)
    {
        Assert.Equal(file, Shell.Run("losetup", "--noheadings", "--output", "BACK-FILE", Path).Output.Trim());
        Assert.Equal(FileSnapshot.HashOf(file), FileSnapshot.HashOf(Path));
    }

    public void Dispose() => Shell.Run("losetup", "-d", Path);
}
