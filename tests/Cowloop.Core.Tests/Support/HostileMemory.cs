using System.Buffers;
using System.Collections.Concurrent;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>A hostile file in memory beside the base it was made for, and what may come of reading it: our own error, or nothing worse.</summary>
internal sealed class HostileMemory
{
    private static readonly ConcurrentDictionary<long, MemoryFile> Bases = new();

    private const int OwnCount = 10;
    private const int OwnBlockCount = 40;

    private readonly MemoryFile _before;

    public HostileMemory(HostileFile file)
    {
        Memory = ToMemory(file.Content, file.LengthBytes);
        Layout = new CowLayout(file.Original.BlockCount);
        BaseMemory = Bases.GetOrAdd(Layout.BlockCount, blockCount => ToMemory(HostileOriginal.BaseStart(blockCount), Layout.DeviceBytes));
        Base = new BoundedFile(BaseMemory, maxLengthBytes: 0);
        Store = new BoundedFile(Memory, Layout.FullLengthBytes);
        _before = Memory.Copy();
    }

    /// <summary>The base. Many have it in common: it is not to be changed.</summary>
    public BoundedFile Base { get; }

    public MemoryFile BaseMemory { get; }

    public BoundedFile Store { get; }

    public MemoryFile Memory { get; }

    /// <summary>What the base demands.</summary>
    public CowLayout Layout { get; }

    /// <summary>Tries hostile cowfiles: the corpus, and then many that are made of golden files and of our own.</summary>
    public static void ForEach(FuzzRun run, int caseCount, int soakCaseCount, Func<HostileFile, string> check) => run.Files(
        [.. HostileOriginal.All(HostileForm.Cowfile), .. Enumerable.Range(1, OwnCount).Select(OwnOf)],
        HostileFile.Corpus(HostileForm.Cowfile),
        caseCount,
        soakCaseCount,
        check);

    /// <summary>Does something with the file that may be refused, in no more memory than this.</summary>
    /// <returns>False when it was refused; then nothing has changed.</returns>
    public bool Accepts(long maxBytes, Action read)
    {
        long usedBytes = Memory.UsedBytes;
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isAccepted = true;
        try
        {
            read();
        }
        catch (CowloopException exception)
        {
            isAccepted = false;
            Assert.NotEmpty(exception.Message);
        }
        long allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;
        // The pages that it wrote are the disk, not memory.
        long writtenBytes = Math.Max(0, Memory.UsedBytes - usedBytes);
        Assert.InRange(allocatedBytes, 0, maxBytes + 2 * writtenBytes);
        if (!isAccepted)
        {
            MustBeUnchanged();
        }
        return isAccepted;
    }

    public void MustBeUnchanged()
    {
        Assert.Null(Memory.DifferenceFrom(_before));
        Assert.False(Base.HasChanges);
    }

    /// <summary>Opens it as a device does.</summary>
    public Cowfile Open(bool repair) => Cowfile.Open(
        Store,
        Disk.Path,
        Disk.ImageOf(Base),
        Disk.Plain with { AllocateZeroedWords = AllocateWords, Repair = repair });

    /// <summary>What the checker says about it now.</summary>
    public IReadOnlyList<Problem> Problems() => ProblemsOf(Store);

    /// <summary>What the checker would have said at first.</summary>
    public IReadOnlyList<Problem> ProblemsBefore() => ProblemsOf(_before);

    /// <summary>What the base reads as with the cowfile over it: block by block, by the bits alone.</summary>
    public MemoryFile View()
    {
        MemoryFile view = BaseMemory.Copy();
        byte[] bitmap = new byte[Layout.BitmapBytes];
        Assert.Equal(Errno.None, Memory.ReadAt(CowLayout.BitmapOffsetBytes, bitmap));
        byte[] content = new byte[CowLayout.BlockSize];
        for (long block = 0; block < Layout.BlockCount; block++)
        {
            if ((bitmap[block / 8] >> (int)(block % 8) & 1) != 0)
            {
                Assert.Equal(Errno.None, Memory.ReadAt(Layout.DataOffsetBytes + block * CowLayout.BlockSize, content));
                Assert.Equal(Errno.None, view.WriteAt(block * CowLayout.BlockSize, content));
            }
        }
        return view;
    }

    private IReadOnlyList<Problem> ProblemsOf(IBlockFile cowfile) =>
        Checker.Run(AtRest.Named(cowfile), new CheckedFile(Base, Disk.BaseName), NobodyWatches.Instance);

    /// <summary>A cowfile as this version makes it, deactivated or left by a service that was killed.</summary>
    private static HostileOriginal OwnOf(int seed)
    {
        var random = new Random(seed);
        var cowfile = new MemoryFile();
        using Overlay overlay = Disk.Open(HostileOriginal.BaseStart(OwnBlockCount), cowfile);
        for (int change = 0; change < 4; change++)
        {
            int block = random.Next(OwnBlockCount - 4);
            Assert.Equal(Errno.None, overlay.Fill(block * CowLayout.BlockSize, random.Next(4 * CowLayout.BlockSize), (byte)change));
        }
        bool isKilled = seed % 3 == 0;
        Assert.Equal(Errno.None, isKilled ? overlay.Flush() : overlay.Close());
        return new HostileOriginal(isKilled ? "killed" : "closed", HostileForm.Cowfile, CowVariant.Little64, OwnBlockCount, cowfile.ToArray());
    }

    /// <summary>Only what is not zero takes space.</summary>
    private static MemoryFile ToMemory(byte[] content, long lengthBytes)
    {
        var file = new MemoryFile();
        for (int start = 0; start < content.Length; start += MemoryFile.PageSize)
        {
            ReadOnlySpan<byte> page = content.AsSpan(start, Math.Min(MemoryFile.PageSize, content.Length - start));
            if (page.ContainsAnyExcept((byte)0))
            {
                Assert.Equal(Errno.None, file.WriteAt(start, page));
            }
        }
        Assert.Equal(Errno.None, file.SetLength(lengthBytes));
        return file;
    }

    /// <summary>The base alone justifies memory for a bitmap, twice.</summary>
    private IMemoryOwner<ulong> AllocateWords(int count)
    {
        Assert.Equal(2 * Layout.BitmapBytes, (long)count * sizeof(ulong));
        return HeapWords.Allocate(count);
    }
}
