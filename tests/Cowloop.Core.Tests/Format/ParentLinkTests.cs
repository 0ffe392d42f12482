using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Format;

public class ParentLinkTests
{
    private static readonly ParentLink Link = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 7, "lower.cow");

    [Fact]
    public void A_layer_is_the_same_wherever_it_lies() => Assert.True(Link.IsSameAs(Link with { Path = "../elsewhere.cow" }));

    [Fact]
    public void It_is_not_the_same_when_it_holds_something_else()
    {
        Assert.False(Link.IsSameAs(Link with { Generation = 8 }));
        Assert.False(Link.IsSameAs(Link with { Id = Guid.Empty }));
    }
}
