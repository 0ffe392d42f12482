using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Tests.Layers;

/// <summary>Each rule of what may lie on what.</summary>
public class ParentageTests
{
    private static readonly Guid LowerId = new("11111111-2222-3333-4444-555555555555");
    private static readonly Guid UpperId = new("66666666-7777-8888-9999-aaaaaaaaaaaa");

    [Fact]
    public void On_its_parent_as_it_was_a_cowfile_is_taken() => Parentage.Require(Upper(LowerId, 5), "upper.cow", Lower(5));

    [Fact]
    public void Without_a_parent_it_lies_on_the_base() => Parentage.Require(Upper(null), "upper.cow", null);

    [Fact]
    public void A_plain_one_lies_anywhere_its_fingerprint_fits()
    {
        Parentage.Require(null, "plain.cow", null);
        Parentage.Require(null, "plain.cow", Lower(5));
    }

    [Fact]
    public void One_that_lies_on_the_base_lies_on_no_layer() =>
        MustRefuse(Upper(null), Lower(5), "cowfile upper.cow lies on its base directly, not on layer lower.cow");

    [Fact]
    public void One_that_lies_on_a_layer_does_not_lie_on_the_base() =>
        MustRefuse(Upper(LowerId, 5), null, $"cowfile upper.cow lies on layer down/lower.cow ({LowerId}), which is not there");

    [Fact]
    public void Another_layer_is_refused() =>
        MustRefuse(Upper(UpperId, 5), Lower(5), $"cowfile upper.cow lies on layer down/lower.cow ({UpperId}), not on lower.cow");

    [Theory]
    [InlineData(4UL)]
    [InlineData(6UL)]
    public void A_layer_that_has_changed_is_refused(ulong generation) => MustRefuse(
        Upper(LowerId, 5),
        Lower(generation),
        $"layer lower.cow has changed since upper.cow was made on it: it has generation {generation} instead of 5");

    [Fact]
    public void A_plain_layer_has_the_empty_identity()
    {
        var plain = new Layer(new MemoryFile(), "plain.cow", new CowLayout(4), null);
        Parentage.Require(Upper(Guid.Empty), "upper.cow", plain);
        MustRefuse(Upper(LowerId, 5), plain, "not on plain.cow");
        MustRefuse(Upper(Guid.Empty), Lower(5), "not on lower.cow");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_merged_into_a_layer_may_go_on_lying_on_it(bool isComplete) =>
        Parentage.Require(Upper(LowerId, 5), "upper.cow", Lower(6, new MergedLayer(UpperId, 2, 5, isComplete)));

    [Fact]
    public void Nobody_else_may_name_the_former_generation()
    {
        MustRefuse(Upper(LowerId, 5) with { Id = Guid.Empty }, Lower(6, new MergedLayer(UpperId, 2, 5, true)), "has changed since");
        MustRefuse(Upper(LowerId, 5), Lower(6, new MergedLayer(UpperId, 3, 5, true)), "has changed since");
        MustRefuse(Upper(LowerId, 4), Lower(6, new MergedLayer(UpperId, 2, 5, true)), "has changed since");
    }

    [Fact]
    public void Onto_an_interrupted_merge_goes_only_what_was_merged()
    {
        Layer merging = Lower(6, new MergedLayer(UpperId, 2, 5, false));
        const string Reason = "a merge into layer lower.cow was interrupted";
        MustRefuse(Upper(LowerId, 6) with { Id = Guid.Empty }, merging, Reason);
        MustRefuse(null, merging, Reason);
        Assert.Contains(Reason, Assert.Throws<CowloopException>(() => Parentage.RequireWhole(merging)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_cowfile_goes_onto_anything_whole()
    {
        Parentage.RequireWhole(null);
        Parentage.RequireWhole(Lower(5));
        Parentage.RequireWhole(Lower(6, new MergedLayer(UpperId, 2, 5, true)));
        Parentage.RequireWhole(new Layer(new MemoryFile(), "plain.cow", new CowLayout(4), null));
    }

    [Fact]
    public void A_parent_without_a_path_is_known_by_its_identity() => Assert.Equal($"{LowerId}", Parentage.Describe(new ParentLink(LowerId, 1, "")));

    private static void MustRefuse(ExtensionRecord? upper, Layer? lower, string reason)
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => Parentage.Require(upper, "upper.cow", lower));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Equal((Errno.EINVAL, Fault.OtherParent), (refused.Errno, refused.Fault));
        Assert.NotNull(refused.Hint);
    }

    private static ExtensionRecord Upper(Guid? parent, ulong generation = 0) => new()
    {
        Id = UpperId,
        Generation = 2,
        BaseLengthBytes = 4096,
        BaseIdentity = default,
        Parent = parent is Guid id ? new ParentLink(id, generation, "down/lower.cow") : null,
    };

    private static Layer Lower(ulong generation, MergedLayer? merged = null) => new(new MemoryFile(), "lower.cow", new CowLayout(4), new ExtensionRecord
    {
        Id = LowerId,
        Generation = generation,
        BaseLengthBytes = 4096,
        BaseIdentity = default,
        Merged = merged,
    });
}
