namespace Cowloop.Architecture.Tests.Support;

/// <summary>The files that the project consists of; what is built is not among them.</summary>
internal static class SourceTree
{
    private static readonly string[] NotOurs = [".git", ".vs", ".idea", ".vscode", "artifacts", "bin", "obj"];

    /// <summary>All files, by path from the root.</summary>
    public static IReadOnlyList<string> Files { get; } =
        [.. FilesBelow(Repository.Root).Select(path => Path.GetRelativePath(Repository.Root, path)).Order(StringComparer.Ordinal)];

    /// <summary>Source files below a directory.</summary>
    public static string[] SourcesBelow(string directory) =>
        [.. Files.Where(file => file.StartsWith($"{directory}/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal))];

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Repository.Root, file));

    private static IEnumerable<string> FilesBelow(string directory) => Directory.EnumerateFiles(directory)
        .Concat(Directory.EnumerateDirectories(directory).Where(child => !NotOurs.Contains(Path.GetFileName(child))).SelectMany(FilesBelow));
}
