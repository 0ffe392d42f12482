namespace Cowloop.SystemTests.Support;

/// <summary>What <c>make install</c> puts into an empty tree; no systemd has to run to look at it.</summary>
internal sealed class InstalledTree : IDisposable
{
    private readonly TempDirectory _directory = new();

    public InstalledTree(params string[] variables) => Make("install", variables);

    /// <summary>A path in the tree.</summary>
    public string this[string path] => _directory[path];

    /// <summary>All files, by path in the tree.</summary>
    public IReadOnlyList<string> Files =>
    [
        .. Directory.EnumerateFiles(_directory.Path, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(_directory.Path, path))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Makes a target into this tree; the programs are those under test, not built again.</summary>
    public void Make(string target, params string[] variables) => Shell.Run(
        "make",
        ["--directory", Repository.Root, "--silent", "--old-file=build", target, $"BIN={Repository.Binaries}", $"DESTDIR={_directory.Path}", .. variables]);

    /// <summary>Writes a file that an administrator would.</summary>
    public void Write(string path, params string[] lines)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[path])!);
        File.WriteAllLines(this[path], lines);
    }

    /// <summary>Does what systemd does first: runs the generator on the tree's tables.</summary>
    /// <returns>What it makes.</returns>
    public string Generate()
    {
        var environment = new Dictionary<string, string> { ["COWLOOP_TAB"] = this["etc/cowloop/cowtab"], ["SYSTEMD_FSTAB"] = this["etc/fstab"] };
        Directory.CreateDirectory(this["etc/systemd/system"]);
        CommandResult result = Shell.Try(
            new ShellOptions { Environment = environment },
            this["usr/local/lib/systemd/system-generators/cowloop-generator"],
            this["etc/systemd/system"]);
        Assert.Equal("", result.MustSucceed().Error);
        return File.ReadAllText(this["etc/systemd/system/cowloop.service.d/50-cowtab.conf"]);
    }

    /// <summary>Lets systemd look at units as it would at boot: with this machine's own units around them.</summary>
    /// <returns>Its complaints.</returns>
    public string Verify(params string[] units)
    {
        if (!Directory.Exists(this["usr/lib/systemd/system"]))
        {
            Directory.CreateDirectory(this["usr/lib/systemd/system"]);
            Shell.Run("cp", "--archive", "/lib/systemd/system/.", this["usr/lib/systemd/system"]);
        }
        return Shell.Try("systemd-analyze", [$"--root={_directory.Path}", "--recursive-errors=yes", "verify", .. units]).Error;
    }

    public void Dispose() => _directory.Dispose();
}
