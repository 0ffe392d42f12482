using System.Reflection;
using System.Text.RegularExpressions;
using Cowloop.Architecture.Tests.Support;

namespace Cowloop.Architecture.Tests;

/// <summary>Only Cowloop.Linux calls the C library or handles pointers.</summary>
public partial class UnsafeCodeTests
{
    private const string Allowed = "Cowloop.Linux";

    [Fact]
    public void Sources_elsewhere_are_safe()
    {
        string[] files = [.. SourceTree.SourcesBelow("src").Where(HasUnsafeWord)];
        string[] outside = [.. files.Except(SourceTree.SourcesBelow($"src/{Allowed}"))];

        Assert.NotEmpty(files);
        Assert.Empty(outside);
    }

    [Fact]
    public void Assemblies_elsewhere_import_nothing()
    {
        Assert.NotEmpty(ImportedMethods(Allowed));
        Assert.All(Projects.MayKnow.Keys.Where(project => project != Allowed), project => Assert.Empty(ImportedMethods(project)));
    }

    [Fact]
    public void Project_files_elsewhere_do_not_allow_it() => Assert.Equal(
        [Allowed],
        Projects.MayKnow.Keys.Where(project => Projects.Read(project).Descendants("AllowUnsafeBlocks").Any()));

    private static bool HasUnsafeWord(string file) => SourceTree.Lines(file).Any(line => UnsafeWord().IsMatch(line));

    private static IEnumerable<MethodInfo> ImportedMethods(string project)
    {
        const BindingFlags All = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        return Projects.Load(project).GetTypes()
            .SelectMany(type => type.GetMethods(All))
            .Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl));
    }

    /// <summary>An option may be called so.</summary>
    [GeneratedRegex(@"(?<!--)\b(unsafe|DllImport|LibraryImport|NativeMemory)\b")]
    private static partial Regex UnsafeWord();
}
