using Cowloop.Architecture.Tests.Support;

namespace Cowloop.Architecture.Tests;

/// <summary>Core below Linux below the transports below the service; the tools never see a transport.</summary>
public class ReferenceTests
{
    [Fact]
    public void Every_project_has_its_place() => Assert.Equal(
        Projects.MayKnow.Keys.Order(StringComparer.Ordinal),
        SourceTree.Files.Where(file => file.StartsWith("src/", StringComparison.Ordinal) && file.EndsWith(".csproj", StringComparison.Ordinal))
            .Select(file => Path.GetFileNameWithoutExtension(file))
            .Order(StringComparer.Ordinal));

    [Fact]
    public void Project_files_name_what_they_may() => Assert.All(Projects.MayKnow, place =>
    {
        IEnumerable<string> named = Projects.Read(place.Key).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value));
        Assert.Empty(named.Except(place.Value));
    });

    /// <summary>A project may use what a reference of its reference brings along; the compiled assembly shows it.</summary>
    [Fact]
    public void Assemblies_use_what_they_may() => Assert.All(Projects.MayKnow, place =>
    {
        string[] ours = [.. Projects.MayKnow.Keys.Select(Projects.AssemblyNameOf)];
        IEnumerable<string> used = Projects.Load(place.Key).GetReferencedAssemblies().Select(name => name.Name!).Intersect(ours);
        Assert.Empty(used.Except(place.Value));
    });

    /// <summary>Else the tests above would compare nothing.</summary>
    [Fact]
    public void Assemblies_use_each_other_at_all() => Assert.Contains(
        Projects.Load("Cowloop.Daemon").GetReferencedAssemblies(),
        name => name.Name == "Cowloop.Fuse");
}
