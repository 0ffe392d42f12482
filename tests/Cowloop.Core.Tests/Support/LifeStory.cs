using FsCheck;
using FsCheck.Fluent;

namespace Cowloop.Core.Tests.Support;

/// <summary>A random life of a cowfile, as FsCheck makes, shrinks and prints it.</summary>
internal sealed record LifeStory(int BaseSeed, int BaseBytes, CowVariant Variant, bool BitmapDecides, bool CanPunch, IReadOnlyList<LifeStep> Steps, SessionEnd End)
{
    public static Arbitrary<LifeStory> Arbitrary { get; } = Arb.From(Stories, Shrink);

    /// <summary>Much of the base is zero or has the sum zero, so that its fingerprint window is sometimes large.</summary>
    public byte[] Base()
    {
        var random = new Random(BaseSeed);
        byte[] content = Fixtures.RandomBytes(random, BaseBytes);
        for (int start = 0; start < BaseBytes; start += 1024)
        {
            if (random.Next(3) == 0)
            {
                content.AsSpan(start, Math.Min(1024, BaseBytes - start)).Fill((byte)(random.Next(2) * 0x41));
            }
        }
        return content;
    }

    public override string ToString() =>
        $"base of {BaseBytes} bytes (seed {BaseSeed}), {Variant}, bitmap decides: {BitmapDecides}, can punch: {CanPunch}\n{string.Join('\n', Steps)}\nend: {End}";

    private static Gen<LifeStory> Stories =>
        from seed in Gen.Choose(1, 1_000_000)
        from baseBytes in Gen.Choose(1024, 40 * 1024)
        from variant in Gen.Elements(Enum.GetValues<CowVariant>())
        from bitmapDecides in Gen.Elements(false, true)
        from canPunch in Gen.Elements(true, true, true, false)
        from steps in Step.ListOf()
        from end in Ends
        select new LifeStory(seed, baseBytes, variant, bitmapDecides, canPunch, steps, end);

    private static Gen<LifeStep> Step => Gen.Frequency(
        (8, from change in Changes
            from fill in Gen.Choose(0, 4)
            from fua in Gen.Frequency((9, Gen.Constant(false)), (1, Gen.Constant(true)))
            select (LifeStep)new LifeStep.Write(change.Offset, change.Length, (byte)fill, fua)),
        (3, from change in Changes
            from mayUnmap in Gen.Elements(false, true)
            from fua in Gen.Frequency((9, Gen.Constant(false)), (1, Gen.Constant(true)))
            select (LifeStep)new LifeStep.Zero(change.Offset, change.Length, mayUnmap, fua)),
        (2, Gen.Constant<LifeStep>(new LifeStep.Flush())),
        (1, Gen.Constant<LifeStep>(new LifeStep.Clean())),
        (1, from end in Ends select (LifeStep)new LifeStep.NextSession(end)));

    private static Gen<SessionEnd> Ends => Gen.Elements(Enum.GetValues<SessionEnd>());

    /// <summary>In bytes, sectors and blocks.</summary>
    private static Gen<(int Offset, int Length)> Changes =>
        from unit in Gen.Elements(1, 512, 1024)
        from offset in Gen.Choose(0, 40 * 1024 / unit)
        from length in Gen.Choose(0, 6 * 1024 / unit)
        select (offset * unit, length * unit);

    /// <summary>First large parts of the steps are left out, then single ones; then everything else becomes as plain as it can.</summary>
    private static IEnumerable<LifeStory> Shrink(LifeStory story)
    {
        for (int part = story.Steps.Count; part > 0; part /= 2)
        {
            for (int start = 0; start + part <= story.Steps.Count; start += part)
            {
                yield return story with { Steps = [.. story.Steps.Take(start), .. story.Steps.Skip(start + part)] };
            }
        }
        if (story.End != SessionEnd.Close)
        {
            yield return story with { End = SessionEnd.Close };
        }
        if (story.BitmapDecides)
        {
            yield return story with { BitmapDecides = false };
        }
        if (!story.CanPunch)
        {
            yield return story with { CanPunch = true };
        }
        if (story.Variant != CowVariant.Little64)
        {
            yield return story with { Variant = CowVariant.Little64 };
        }
    }
}
