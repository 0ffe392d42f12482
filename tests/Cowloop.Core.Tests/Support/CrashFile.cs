namespace Cowloop.Core.Tests.Support;

/// <summary>
/// Knows what a power failure could leave of a file: what was durable at the last sync and, of each sector changed since, either that or any
/// version that was written meanwhile, whatever the other sectors show. The length is one of those that the file has had since.
/// </summary>
/// <param name="inner">Sees every call at once, like the page cache.</param>
/// <param name="onCut">Called wherever the power may fail and leave something else than before: after each change and each sync.</param>
internal sealed class CrashFile(MemoryFile inner, Action<CrashFile> onCut) : FileDecorator(inner)
{
    private const int SectorSize = 512;

    private readonly SortedDictionary<long, List<byte[]>> _versions = [];
    private readonly List<long> _lengths = [];
    private MemoryFile _durable = inner.Copy();
    private FileCall _call;
    private long _lengthBefore;

    /// <summary>What may be found after a crash now: all of it when that is no more than asked for, else nothing landed, everything landed, and random choices.</summary>
    public IEnumerable<MemoryFile> Leftovers(Random random, int maxCount)
    {
        int[] choices = [_lengths.Count + 1, .. _versions.Values.Select(versions => versions.Count + 1)];
        double all = choices.Aggregate(1.0, (product, choice) => product * choice);
        for (int number = 0; number < Math.Min(all, maxCount); number++)
        {
            int rest = number;
            yield return Leftover([.. choices.Select(choice => all <= maxCount ? Digit(choice) : Pick(choice, number))]);

            int Digit(int choice)
            {
                int digit = rest % choice;
                rest /= choice;
                return digit;
            }
        }

        int Pick(int choice, int number) => number switch
        {
            0 => 0,
            1 => choice - 1,
            _ => random.Next(choice),
        };
    }

    protected override Errno Before(FileCall call)
    {
        _call = call;
        _lengthBefore = LengthBytes;
        return Errno.None;
    }

    protected override Errno After(Errno result)
    {
        if (_call.Op == FileOp.Sync)
        {
            Assert.Equal(Errno.None, result);
            _durable = inner.Copy();
            _versions.Clear();
            _lengths.Clear();
            onCut(this);
        }
        else if (_call.Changes && result == Errno.None)
        {
            Note();
            onCut(this);
        }
        return result;
    }

    private void Note()
    {
        Assert.True(LengthBytes >= _lengthBefore, "cutting a file is not simulated");
        if (LengthBytes > _lengthBefore)
        {
            _lengths.Add(LengthBytes);
        }
        long endBytes = _call.Op is FileOp.Write or FileOp.Punch ? Math.Min(LengthBytes, _call.OffsetBytes + _call.LengthBytes) : 0;
        for (long sector = _call.OffsetBytes / SectorSize; sector * SectorSize < endBytes; sector++)
        {
            if (!_versions.TryGetValue(sector, out List<byte[]>? versions))
            {
                _versions.Add(sector, versions = []);
            }
            byte[] content = new byte[Math.Min(SectorSize, LengthBytes - sector * SectorSize)];
            Assert.Equal(Errno.None, inner.ReadAt(sector * SectorSize, content));
            versions.Add(content);
        }
    }

    /// <param name="choice">Of the length and then of each changed sector: 0 for what was durable, else the number of the version.</param>
    private MemoryFile Leftover(ReadOnlySpan<int> choice)
    {
        MemoryFile file = _durable.Copy();
        if (choice[0] > 0)
        {
            Assert.Equal(Errno.None, file.SetLength(_lengths[choice[0] - 1]));
        }
        int index = 1;
        foreach ((long sector, List<byte[]> versions) in _versions)
        {
            int version = choice[index++];
            long startBytes = sector * SectorSize;
            if (version > 0 && startBytes < file.LengthBytes)
            {
                byte[] content = versions[version - 1];
                file.WriteAt(startBytes, content.AsSpan(0, (int)Math.Min(content.Length, file.LengthBytes - startBytes)));
            }
        }
        return file;
    }
}
