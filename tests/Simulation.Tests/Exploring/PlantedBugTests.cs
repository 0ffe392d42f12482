using Cowloop.Core.Files;
using Cowloop.Simulation.Exploring;
using Cowloop.Simulation.Tests.Support;
using Xunit.Abstractions;
using static Cowloop.Simulation.Exploring.Operation;

namespace Cowloop.Simulation.Tests.Exploring;

/// <summary>An explorer that finds nothing proves nothing: bugs that people really make are planted, and it must find each of them.</summary>
public class PlantedBugTests(ITestOutputHelper output)
{
    private const long MaxStoreCrashCount = 200_000;

    [Theory]
    [InlineData("DirtyHeader")]
    [InlineData("CleanHeader")]
    [InlineData("Bitmap")]
    [InlineData("Data")]
    public void A_missing_sync_of_the_cowfile_is_found(string after)
    {
        ChangeKind kind = Enum.Parse<ChangeKind>(after);
        // The sealed header is a clean one.
        ChangeKind[] kinds = kind == ChangeKind.CleanHeader ? [kind, ChangeKind.SealedHeader] : [kind];
        var explorer = new Explorer((file, site) => site.Role == FileRole.Cowfile ? new SyncSkipper(file, kinds, () => site.Open() is not null) : file);

        MustBeFound(explorer, explorer.CheckAll(2), maxOperations: 2);
    }

    /// <summary>Of a merge it is the sync between the two halves, of packing and unpacking the one before the file gets its name.</summary>
    [Theory]
    [InlineData(FileRole.Base)]
    [InlineData(FileRole.Packed)]
    public void A_missing_sync_of_another_file_is_found(FileRole where)
    {
        var explorer = new Explorer((file, site) => site.Role == where ? new FirstSyncSkipper(file) : file);

        MustBeFound(explorer, explorer.CheckAll(3), maxOperations: 3);
    }

    [Fact]
    public void A_header_that_is_marked_clean_early_is_found()
    {
        var explorer = new Explorer((file, site) => site.Role == FileRole.Cowfile ? new EarlyCleaner(file, site.Open) : file);

        MustBeFound(explorer, explorer.CheckAll(2), maxOperations: 2);
    }

    /// <summary>The power need not fail for that: it shows when the service is killed.</summary>
    [Theory]
    [InlineData(FileRole.Cowfile)]
    [InlineData(FileRole.LiveBits)]
    public void A_write_that_is_acknowledged_before_it_is_in_its_file_is_found(FileRole where)
    {
        var explorer = new Explorer((file, site) => site.Role == where ? new WriteDelayer(file, site.Open) : file);

        MustBeFound(explorer, explorer.CheckAll(2), maxOperations: 2);
    }

    /// <summary>It shows only when a write comes between the sync and the copy.</summary>
    [Fact]
    public void A_bitmap_that_is_copied_after_the_sync_is_found()
    {
        var explorer = new Explorer((file, site) => site.Role == FileRole.Cowfile ? new LateBitmapCopier(file, site.Open) : file);

        Assert.Null(explorer.CheckAll(2));
        MustBeFound(explorer, explorer.CheckAllTogether(1), maxOperations: 3);
    }

    /// <summary>The first sync of a compaction makes the header dirty; the next one the bits, before the blocks are punched out.</summary>
    [Fact]
    public void A_compaction_that_punches_before_the_bits_are_durable_is_found() =>
        MustBeFound(OperationKind.Compact, [ChangeKind.Bitmap], explorer => explorer.CheckAll(2), maxOperations: 2);

    [Theory]
    [InlineData("Data")]
    [InlineData("Bitmap")]
    public void A_rebase_that_names_the_new_base_before_the_missing_blocks_are_durable_is_found(string after) =>
        MustBeFound(OperationKind.Rebase, [Enum.Parse<ChangeKind>(after)], explorer => explorer.CheckAll(2), maxOperations: 2);

    /// <summary>What is on disk of the layer is then neither old nor new, and does not say so.</summary>
    [Fact]
    public void A_merge_into_a_layer_that_is_not_announced_durably_is_found() =>
        MustBeFound(OperationKind.MergeInto, [ChangeKind.SealedHeader], explorer => explorer.CheckAll(2), maxOperations: 2);

    /// <summary>It shows in the other device, which must be refused from then on.</summary>
    [Fact]
    public void A_merge_into_a_layer_that_keeps_its_generation_is_found()
    {
        var explorer = new Explorer((file, site) => site.Role == FileRole.Cowfile ? new GenerationKeeper(file, site.Doing) : file);

        MustBeFound(explorer, explorer.CheckAll(2, beginning: [Fork(), Write(4, 4)]), maxOperations: 3);
    }

    [Fact]
    public void A_live_merge_that_drops_the_layer_before_the_lower_one_is_durable_is_found() => MustBeFound(
        OperationKind.MergeLive,
        [ChangeKind.SealedHeader],
        explorer => explorer.CheckAll(1, beginning: [Snapshot(), Snapshot()]),
        maxOperations: 3);

    /// <summary>Both devices need it as a layer.</summary>
    [Fact]
    public void A_fork_of_a_cowfile_that_is_not_clean_and_sealed_durably_is_found() => MustBeFound(
        OperationKind.Fork,
        [ChangeKind.CleanHeader, ChangeKind.SealedHeader],
        explorer => explorer.CheckAll(1, beginning: Write(4, 2)),
        maxOperations: 2);

    /// <summary>After data: the first sync of a flush. After a table: the one that makes its bits durable.</summary>
    [Theory]
    [InlineData("Data")]
    [InlineData("Table")]
    [InlineData("ZeroMap")]
    public void A_missing_sync_of_a_compact_store_is_found(string after) =>
        MustBeFoundInStore((file, site) => new StoreSyncSkipper(file, Enum.Parse<StoreArea>(after), () => site.Open() is not null), maxOperations: 3);

    /// <summary>Another chunk that gets its place writes the sector that they have in common.</summary>
    [Fact]
    public void A_table_with_bits_that_is_written_before_the_data_is_durable_is_found() =>
        MustBeFoundInStore((file, site) => new EarlyTableBits(file, site.Open), maxOperations: 3);

    /// <summary>
    /// Both syncs: after the first one the descriptor says Zero durably, and then it does no harm if the chunk holds something else before the second.
    /// </summary>
    [Fact]
    public void A_chunk_that_is_taken_again_before_its_giving_up_is_durable_is_found() =>
        MustBeFoundInStore((file, site) => new EarlyChunkReuser(file, () => site.Open() is not null), maxOperations: 6);

    [Fact]
    public void A_chunk_of_zeros_that_counts_as_data_before_its_zeros_are_durable_is_found() =>
        MustBeFoundInStore((file, _) => new FillingForgetter(file), maxOperations: 8);

    /// <summary>Plants a bug in how compact stores are written.</summary>
    private void MustBeFoundInStore(Func<IBlockFile, PlantSite, IBlockFile> plant, int maxOperations)
    {
        var explorer = new Explorer((file, site) => site.Role == FileRole.Cowfile ? plant(file, site) : file);

        Violation? violation = explorer.CheckAll(2, geometry: Geometry.Compact) ?? explorer.CheckRandom(1, MaxStoreCrashCount, Geometry.Compact);

        MustBeFound(explorer, violation, maxOperations);
    }

    /// <summary>Plants a missing sync of cowfiles in one kind of operation.</summary>
    private void MustBeFound(OperationKind where, ChangeKind[] after, Func<Explorer, Violation?> check, int maxOperations)
    {
        var explorer = new Explorer((file, site) => site.Role == FileRole.Cowfile ? new SyncSkipper(file, after, () => site.Doing() == where) : file);

        Violation? violation = check(explorer);

        MustBeFound(explorer, violation, maxOperations);
        Assert.Contains(violation!.Story.First, operation => operation.Kind == where);
    }

    private void MustBeFound(Explorer explorer, Violation? violation, int maxOperations)
    {
        output.WriteLine($"{explorer.Report}\n{violation}");
        Assert.NotNull(violation);
        Assert.InRange(violation.Story.First.Count + violation.Story.Together.Sum(list => list.Count), 1, maxOperations);
        Assert.Null(new Explorer().Check(violation.Story));
    }
}
