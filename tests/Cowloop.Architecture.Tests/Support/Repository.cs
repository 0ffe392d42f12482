namespace Cowloop.Architecture.Tests.Support;

/// <summary>The files that the project consists of; what is built is not among them.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs = [".git", ".vs", ".idea", ".vscode", "artifacts", "bin", "obj"];

    public static string Root { get; } = FindRoot();

    /// <summary>All files, by path from the root.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. FilesBelow(Root).Select(path => Path.GetRelativePath(Root, path)).Order(StringComparer.Ordinal)];

    /// <summary>Source files below a directory.</summary>
    public static string[] SourcesBelow(string directory) =>
        [.. Files.Where(file => file.StartsWith($"{directory}/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal))];

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Root, file));

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Cowloop.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }
        return directory ?? throw new DirectoryNotFoundException($"{AppContext.BaseDirectory} is not below the project");
    }

    private static IEnumerable<string> FilesBelow(string directory) => Directory.EnumerateFiles(directory)
        .Concat(Directory.EnumerateDirectories(directory).Where(child => !NotOurs.Contains(Path.GetFileName(child))).SelectMany(FilesBelow));
}
