using Cowloop.Core.Maintenance;
using static Cowloop.Simulation.Exploring.Operation;

namespace Cowloop.Simulation.Exploring;

/// <summary>Makes lists of operations.</summary>
internal static class OperationLists
{
    private const int MaxRandomLength = 12;
    private const int MaxLengthForAll = 2;

    private static readonly Operation[] RepresentativeChanges = [Write(4, 2), Write(5, 4), WriteFua(6, 2), Zero(5, 2), Discard(6, 2), Rewrite(4, 4)];

    /// <summary>Each kind of operation on the three blocks of <see cref="Geometry.Small"/>: blocks, halves of them, and ranges across them.</summary>
    public static IReadOnlyList<Operation> Alphabet { get; } =
    [
        Merge(), Pack(), Repair(), Snapshot(), Rollback(), Kill(), Deactivate(), Activate(), Clean(), Flush(),
        Fork(), SwitchDevice(), MergeInto(), MergeLive(), Compact(), Rebase(),
        Write(4, 2), Write(6, 2), Write(8, 2),
        Write(4, 1), Write(7, 1), Write(8, 1),
        Write(5, 2), Write(5, 4), Write(4, 6),
        WriteFua(4, 2), WriteFua(6, 2), WriteFua(9, 1), WriteFua(5, 4),
        Zero(4, 2), Zero(6, 2), Zero(8, 2), Zero(5, 2), ZeroFua(4, 2),
        Discard(4, 2), Discard(6, 2), Discard(8, 2), Discard(4, 6), Discard(7, 1), DiscardFua(6, 2),
        Rewrite(4, 4),
    ];

    /// <summary>The same for <see cref="Geometry.Compact"/>: also whole chunks, and all of the device.</summary>
    public static IReadOnlyList<Operation> CompactAlphabet { get; } =
        [.. Alphabet, Write(0, 8), Write(12, 8), Zero(0, 8), Discard(0, 8), Discard(8, 8), Discard(0, 20), Discard(7, 10)];

    /// <summary>Makes two layers and a cowfile that hide parts of each other, and of the base.</summary>
    public static IReadOnlyList<Operation> TwoLayers { get; } = [Write(4, 4), Snapshot(), Write(6, 4), Snapshot(), Rewrite(4, 2), Write(9, 1)];

    /// <summary>All lists of a length over an alphabet, without those in which an operation has nothing to do.</summary>
    /// <param name="length">So many operations.</param>
    /// <param name="geometry">The device.</param>
    /// <param name="beginning">What is done before.</param>
    /// <remarks>
    /// For the sake of time what works on layers and files at rest comes with a few of the writes only in the longer lists, and so does everything behind a
    /// beginning.
    /// </remarks>
    public static IEnumerable<Operation[]> All(int length, Geometry geometry, IReadOnlyList<Operation> beginning)
    {
        bool hasFew = beginning.Count > 0;
        bool hasFewWithFiles = length > MaxLengthForAll;
        return All(length, geometry.ChunkBytes is null ? Alphabet : CompactAlphabet)
            .Where(list => !(hasFew || (hasFewWithFiles && list.Any(IsOnFiles))) || list.All(IsRepresentative))
            .Where(list => HaveSomethingToDo([.. beginning, .. list]));
    }

    private static bool IsRepresentative(Operation operation) => !operation.HasRange || RepresentativeChanges.Contains(operation);

    private static bool IsOnFiles(Operation operation) => operation.Kind is OperationKind.Rewrite or >= OperationKind.Fork;

    private static IEnumerable<Operation[]> All(int length, IReadOnlyList<Operation> alphabet)
    {
        int count = alphabet.Count;
        long listCount = 1;
        for (int place = 0; place < length; place++)
        {
            listCount *= count;
        }
        for (long number = 0; number < listCount; number++)
        {
            var list = new Operation[length];
            long rest = number;
            for (int place = 0; place < length; place++)
            {
                list[place] = alphabet[(int)(rest % count)];
                rest /= count;
            }
            yield return list;
        }
    }

    private static bool HaveSomethingToDo(IEnumerable<Operation> list)
    {
        int layerCount = 0;
        bool isForked = false;
        foreach (Operation operation in list)
        {
            switch (operation.Kind)
            {
                case OperationKind.Snapshot:
                    layerCount++;
                    break;
                case OperationKind.Fork when !isForked:
                    layerCount++;
                    isForked = true;
                    break;
                case OperationKind.Fork:
                case OperationKind.SwitchDevice when !isForked:
                case OperationKind.MergeInto when layerCount == 0:
                case OperationKind.MergeLive when layerCount < 2:
                    return false;
            }
        }
        return true;
    }

    /// <summary>A list of random length. Each prefers other operations: one in which everything is equally likely finds less.</summary>
    public static Operation[] Random(Random random, Geometry geometry)
    {
        int[] weights = new int[Enum.GetValues<OperationKind>().Length];
        for (int kind = 0; kind < weights.Length; kind++)
        {
            weights[kind] = random.Next(3) == 0 ? 0 : random.Next(1, (OperationKind)kind <= OperationKind.Discard ? 8 : 3);
        }
        weights[(int)OperationKind.Write] = 8;
        var list = new Operation[random.Next(4, MaxRandomLength + 1)];
        for (int place = 0; place < list.Length; place++)
        {
            list[place] = Random(random, geometry, Pick(random, weights));
        }
        return list;
    }

    /// <summary>
    /// Each pair of operations on two blocks of <see cref="Geometry.Striped"/>, done at the same time: on a new device, on one that has the blocks already but
    /// not durably, and on one that has them.
    /// </summary>
    public static IEnumerable<Story> AllTogether()
    {
        Operation[] operations =
        [
            Write(126, 2), Write(127, 2), Write(128, 1), WriteFua(126, 2), Zero(126, 2), Discard(128, 2), DiscardFua(126, 4), Flush(), Clean(),
        ];
        Operation[][] beginnings = [[], [Write(126, 4)], [Write(126, 4), Flush()], [Write(126, 2), Clean()]];
        foreach (Operation[] beginning in beginnings)
        {
            for (int one = 0; one < operations.Length; one++)
            {
                for (int other = 0; other < operations.Length; other++)
                {
                    // A second flush by the one that wrote: what was acknowledged before it must be durable, whatever the other one does.
                    yield return new Story(Geometry.Striped, beginning, [[operations[one], Flush()], [operations[other]]], []);
                }
                // Its many steps have many interleavings.
                yield return new Story(Geometry.Striped, beginning, [[operations[one], Flush()], [Snapshot()]], []);
            }
        }
        foreach (Operation operation in operations)
        {
            yield return new Story(
                Geometry.Striped,
                [Write(126, 2), Snapshot(), Write(127, 2), Snapshot(), Write(128, 1)],
                [[operation, Flush()], [MergeLive()]],
                []);
        }
    }

    /// <summary>Two or three threads with short lists of what may be done at the same time.</summary>
    public static Story RandomTogether(Random random, Geometry geometry)
    {
        OperationKind[] kinds =
        [
            OperationKind.Write, OperationKind.Write, OperationKind.Write, OperationKind.WriteFua, OperationKind.Zero, OperationKind.Discard,
            OperationKind.DiscardFua, OperationKind.Flush, OperationKind.Flush, OperationKind.Clean, OperationKind.Snapshot, OperationKind.MergeLive,
        ];
        var lists = new Operation[random.Next(2, 4)][];
        for (int thread = 0; thread < lists.Length; thread++)
        {
            lists[thread] = List(random.Next(1, 4));
        }
        return new Story(geometry, List(random.Next(3)), lists, []) { LiveWriteCount = RandomLiveWriteCount(random) };

        Operation[] List(int length)
        {
            var list = new Operation[length];
            for (int place = 0; place < length; place++)
            {
                list[place] = Random(random, geometry, kinds[random.Next(kinds.Length)]);
            }
            return list;
        }
    }

    /// <summary>An operation of a kind, anywhere in the focus.</summary>
    public static Operation Random(Random random, Geometry geometry, OperationKind kind)
    {
        var operation = new Operation(kind);
        if (kind == OperationKind.PowerLoss)
        {
            return operation with { Sector = random.Next(1000) };
        }
        if (!operation.HasRange)
        {
            return operation;
        }
        BlockRun run = geometry.Focus[random.Next(geometry.Focus.Count)];
        int sectorCount = (int)run.BlockCount * Geometry.SectorsPerBlock;
        int first = random.Next(sectorCount);
        int count = random.Next(1, sectorCount - first + 1);
        if (random.Next(2) == 0)
        {
            // Whole blocks have ways of their own.
            first -= first % Geometry.SectorsPerBlock;
            count = Math.Min(sectorCount - first, (count + 1) / Geometry.SectorsPerBlock * Geometry.SectorsPerBlock);
            count = Math.Max(count, Geometry.SectorsPerBlock);
        }
        return operation with { Sector = (int)run.FirstBlock * Geometry.SectorsPerBlock + first, SectorCount = count };
    }

    /// <summary>Mostly there is space for all live bits.</summary>
    public static int RandomLiveWriteCount(Random random) => random.Next(4) > 0 ? int.MaxValue : random.Next(6);

    private static OperationKind Pick(Random random, int[] weights)
    {
        int pick = random.Next(weights.Sum());
        int kind = 0;
        while (pick >= weights[kind])
        {
            pick -= weights[kind++];
        }
        return (OperationKind)kind;
    }
}
