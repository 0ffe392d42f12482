using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>A cowfile, what it lies on, and what it is to lie on.</summary>
internal sealed class RebaseCase
{
    private readonly TestStack _old;
    private readonly byte[] _newBase;
    private readonly int _height;

    private RebaseCase(TestStack old, byte[] newBase, MemoryFile[] newLayers)
    {
        _old = old;
        _height = old.Files.Count - 1;
        _newBase = newBase;
        NewLayers = newLayers;
    }

    public byte[] OldBase => _old.Base;

    public MemoryFile[] NewLayers { get; }

    public MemoryFile Cowfile => _old.Files[^1];

    /// <summary>What is read through the cowfile.</summary>
    public byte[] View => _old.Views[^1];

    public CowLayout Layout => _old.Layout;

    /// <summary>From a base, or a layer on it, onto the base, another base, or a layer on either.</summary>
    public static RebaseCase Random(int seed, bool? isPlain = null)
    {
        var random = new Random(seed);
        bool plain = isPlain ?? random.Next(4) == 0;
        TestStack old = TestStack.Random(seed, fileCount: random.Next(1, 4), plain);
        byte[] newBase = random.Next(2) == 0 ? old.Base : [.. old.Base];
        if (!ReferenceEquals(newBase, old.Base))
        {
            byte[] changes = TestStack.RandomContent(random, old.BlockCount);
            for (int block = 0; block < old.BlockCount; block++)
            {
                if (random.Next(3) == 0)
                {
                    changes.AsSpan(block * 1024, 1024).CopyTo(newBase.AsSpan(block * 1024));
                }
            }
        }
        var @new = new TestStack(newBase);
        for (int count = random.Next(3); count > 0; count--)
        {
            // Some of its blocks are equal to what is read through the cowfile.
            @new.Add(TestStack.RandomBlocks(random, random.Next(2) == 0 ? old.Views[^1] : @new.Views[^1]), plain, record => record with { Id = Guid.NewGuid() });
        }
        return new RebaseCase(old, newBase, [.. @new.Files]);
    }

    /// <summary>Onto a layer of two blocks on the same base.</summary>
    public static RebaseCase OntoLayer(Func<ExtensionRecord, ExtensionRecord>? change = null)
    {
        var old = new TestStack(Fixtures.Filled(32 * 1024, 1));
        old.Add(new Dictionary<long, byte[]?> { [3] = Fixtures.Filled(1024, 3), [5] = Fixtures.Filled(1024, 5) }, change: change);
        var @new = new TestStack(old.Base);
        @new.Add(
            new Dictionary<long, byte[]?> { [3] = Fixtures.Filled(1024, 3), [9] = Fixtures.Filled(1024, 9) },
            change: record => record with { Id = Guid.NewGuid() });
        return new RebaseCase(old, old.Base, [.. @new.Files]);
    }

    public BaseImage OpenOld() => _old.Below(_height);

    public BaseImage OpenNew() => TestStack.Open(_newBase, NewLayers);

    public Rebaser Prepare(IBlockFile file) =>
        Rebaser.Prepare(AtRest.Named(file), OpenOld(), OpenNew(), NewLayers.Length > 0 ? "new.cow" : null);

    public RebaseReport Rebase(IBlockFile file, IWorkObserver? observer = null) =>
        Prepare(file).Run(null, HeapWords.Allocate, observer ?? NobodyWatches.Instance);

    public void RebaseBack(IBlockFile file) =>
        Rebaser.Prepare(AtRest.Named(file), OpenNew(), OpenOld(), _height > 0 ? $"{_height - 1}.cow" : null).Run(null, HeapWords.Allocate, NobodyWatches.Instance);

    public byte[] ReadOnOld(IBlockFile file) => TestStack.Read(TestStack.Open(_old.Base, [.. _old.Files.SkipLast(1), file]));

    public byte[] ReadOnNew(IBlockFile file) => TestStack.Read(TestStack.Open(_newBase, [.. NewLayers, file]));
}
