using System.Globalization;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Fuse;
using Cowloop.Linux;

namespace Cowloop.Daemon.Space;

/// <summary>What has changed with the space of a device.</summary>
/// <param name="Event">As in <see cref="ServiceEvent"/>; null for what only the log hears of.</param>
/// <param name="Mark">The mark that was crossed, or null.</param>
/// <param name="Log">Writes it to the log.</param>
/// <param name="Text">What the log says.</param>
internal sealed record SpaceChange(string? Event, string? Mark, Action<string> Log, string Text);

/// <summary>
/// Compares the space for a device's cowfile with what it was, and says what has changed: marks of the user, the original's two lines about an
/// almost full disk (specification 4.11), and changes that find no space. Called by one thread at a time.
/// </summary>
/// <param name="number">Device number.</param>
/// <param name="cowfile">Gives the absolute path of the cowfile.</param>
internal sealed class SpaceAlarm(int number, Func<string> cowfile)
{
    // In blocks of the filesystem; the second of each pair is where it is over again.
    private const ulong AlmostFullBlocks = 100;
    private const ulong NotAlmostFullBlocks = 150;
    private const ulong FullBlocks = 3;
    private const ulong NotFullBlocks = 8;

    // So much must there be again, or have been stored, for a device to count as full no more after changes of it have failed.
    private const ulong RegainedKiB = 64;
    private const long RegainedBlocks = 64;

    private readonly HashSet<Watermark> _low = [];
    private DiskState _disk;
    private SpaceShortage _shortage;
    private SpaceShortage _beforeFull;
    private bool _isFull;
    private bool _isFailing;
    private ulong _availableKiBWhenFull;
    private long _usedBlocksWhenFull;

    private enum DiskState
    {
        Enough,
        AlmostFull,
        Full,
    }

    /// <summary>True while something is so that may soon be so no more.</summary>
    public bool IsRaised => _isFull || _disk != DiskState.Enough;

    /// <summary>True while changes find no space.</summary>
    public bool IsFull => _isFull;

    /// <summary>The marks by which space is low, in their order.</summary>
    public IReadOnlyList<string> Low { get; private set; } = [];

    /// <summary>True when requests have met a full disk since the last comparison.</summary>
    public bool IsNews(SpaceShortage shortage) =>
        shortage.WaitedCount != _shortage.WaitedCount || shortage.FailedCount != _shortage.FailedCount;

    /// <summary>Compares.</summary>
    /// <param name="space">The space now.</param>
    /// <param name="marks">The marks now.</param>
    /// <param name="shortage">What requests have met.</param>
    /// <param name="usedBlocks">Blocks in the cowfile.</param>
    public IReadOnlyList<SpaceChange> Compare(FileSystemSpace space, IReadOnlyList<Watermark> marks, SpaceShortage shortage, long usedBlocks)
    {
        var changes = new List<SpaceChange>();
        CompareDisk(space, changes);
        CompareMarks(new CowfileSpace(space.TotalKiB, space.AvailableKiB), marks, changes);
        CompareShortage(space.AvailableKiB, shortage, usedBlocks, changes);
        _shortage = shortage;
        return changes;
    }

    private void CompareDisk(FileSystemSpace space, List<SpaceChange> changes)
    {
        DiskState disk = space.TotalKiB == 0 ? DiskState.Enough
            : space.AvailableBlocks <= (_disk == DiskState.Full ? NotFullBlocks : FullBlocks) ? DiskState.Full
            : space.AvailableBlocks <= (_disk == DiskState.Enough ? AlmostFullBlocks : NotAlmostFullBlocks) ? DiskState.AlmostFull
            : DiskState.Enough;
        if (disk == _disk)
        {
            return;
        }
        _disk = disk;
        string kib = space.AvailableKiB.ToString(CultureInfo.InvariantCulture);
        changes.Add(disk switch
        {
            DiskState.Full => new(null, null, ServiceLog.Alert, $"ALERT: cowfile full! {Whose}"),
            DiskState.AlmostFull => new(null, null, ServiceLog.Warning, $"cowfile almost full (only {kib} Kb free) {Whose}"),
            _ => new(null, null, ServiceLog.Notice, $"cowfile no longer almost full ({kib} Kb free) {Whose}"),
        });
    }

    private void CompareMarks(CowfileSpace space, IReadOnlyList<Watermark> marks, List<SpaceChange> changes)
    {
        _low.IntersectWith(marks);
        foreach (Watermark mark in marks)
        {
            bool wasLow = _low.Contains(mark);
            bool isLow = mark.IsLow(space, wasLow);
            if (isLow == wasLow)
            {
                continue;
            }
            string left = $"{HumanSize.FormatKiB(space.AvailableKiB)} of {HumanSize.FormatKiB(space.TotalKiB)} left for cowfile {Whose}";
            if (isLow)
            {
                _low.Add(mark);
                changes.Add(new(ServiceEvents.Low, mark.Text, ServiceLog.Warning, $"{left}: low by the mark {mark.Text}"));
            }
            else
            {
                _low.Remove(mark);
                changes.Add(new(ServiceEvents.Ok, mark.Text, ServiceLog.Notice, $"{left}: no longer low by the mark {mark.Text}"));
            }
        }
        Low = [.. marks.Where(_low.Contains).Select(mark => mark.Text)];
    }

    private void CompareShortage(ulong availableKiB, SpaceShortage shortage, long usedBlocks, List<SpaceChange> changes)
    {
        bool hasFailed = shortage.FailedCount != _shortage.FailedCount;
        bool hasWaited = shortage.WaitedCount != _shortage.WaitedCount;
        if (hasFailed || hasWaited)
        {
            // Space that there is now was freed after the change had failed.
            _availableKiBWhenFull = shortage.Cause == Errno.ENOSPC && _disk == DiskState.Enough ? 0 : availableKiB;
            _usedBlocksWhenFull = usedBlocks;
            if (!_isFull)
            {
                _isFull = true;
                _isFailing = false;
                _beforeFull = _shortage;
                string now = hasWaited ? "changes wait for it" : "changes fail";
                changes.Add(new(ServiceEvents.Full, null, ServiceLog.Alert, $"no space for cowfile {Whose}: {now} ({shortage.Cause.Text()})"));
            }
            if (hasFailed && !_isFailing)
            {
                _isFailing = true;
                if (shortage.WaitedCount != _beforeFull.WaitedCount)
                {
                    changes.Add(new(null, null, ServiceLog.Alert, $"no space for cowfile {Whose}: changes that have waited for it fail"));
                }
            }
            return;
        }
        bool isRegained = !_isFailing || availableKiB >= _availableKiBWhenFull + RegainedKiB || usedBlocks >= _usedBlocksWhenFull + RegainedBlocks;
        if (_isFull && shortage.WaitingCount == 0 && isRegained)
        {
            _isFull = false;
            string waited = Count(shortage.WaitedCount - _beforeFull.WaitedCount);
            string failed = Count(shortage.FailedCount - _beforeFull.FailedCount);
            changes.Add(new(
                ServiceEvents.Resumed,
                null,
                ServiceLog.Notice,
                $"there is space again for cowfile {Whose}: {waited} waited for it, {failed} failed"));
        }
    }

    private string Whose => string.Create(CultureInfo.InvariantCulture, $"{cowfile()} of cowdevice {number}");

    private static string Count(long count) => count == 1 ? "1 change" : string.Create(CultureInfo.InvariantCulture, $"{count} changes");
}
