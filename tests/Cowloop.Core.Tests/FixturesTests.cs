using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests;

/// <summary>The fixtures are what the specification says they are.</summary>
public class FixturesTests
{
    [Fact]
    public void Bases_have_the_published_hashes()
    {
        Assert.Equal("022e5eb47fc0e91ef2d7e651e9e1981c05ebcccf1143e65b93de986cf462482e", Fixtures.Sha256(Fixtures.F1));
        Assert.Equal("a7a14d0926bda540030fd4c43a64aa0c8a343f5cd735e34b45150c4b0b7a528e", Fixtures.Sha256(Fixtures.R));
    }

    [Fact]
    public void Cowfiles_have_the_published_hashes()
    {
        Assert.Equal(Golden.G2Wide, Fixtures.Sha256(Golden.G2()));
        Assert.Equal(Golden.G2Narrow, Fixtures.Sha256(Golden.NarrowG2()));
        Assert.Equal(Golden.G1Narrow, Fixtures.Sha256(Golden.NewNarrow("08000000")));
        Assert.Equal("3db2d63374df7ac1ec363de9f0abfd12ff75afac6c38f240a07281a819292b76", Fixtures.Sha256(Golden.ArmSpecimen()));
    }
}
