using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Daemon.Space;

/// <summary>Looks at the space of one device now and then, and tells log, listeners and the user's program what has changed.</summary>
/// <param name="device">The device.</param>
internal sealed class SpaceCheck(CowDevice device)
{
    private readonly SpaceAlarm _alarm = new(device.Number, () => device.Files.CowfilePath);
    private readonly SpaceHook _hook = new();
    private long _writesSeen = -1;
    private bool _isSilent;
    private int _isRunning;

    /// <summary>True while changes find no space.</summary>
    public bool IsFull => _alarm.IsFull;

    /// <summary>The marks by which space is low.</summary>
    public IReadOnlyList<string> Low => _alarm.Low;

    /// <summary>
    /// True when there may be something to tell: an idle device without marks is not looked at, and nor is one whose filesystem has not
    /// answered the last time yet.
    /// </summary>
    public bool IsDue => device.HasCowfile
        && Volatile.Read(ref _isRunning) == 0
        && (device.Policy.Marks.Count > 0
            || _alarm.IsRaised
            || _alarm.IsNews(device.Attachment.Shortage)
            || device.CowfileWrites != Volatile.Read(ref _writesSeen));

    /// <summary>Looks now, unless it does already.</summary>
    /// <param name="events">Those who listen.</param>
    /// <param name="describe">The device's space as they are told of it.</param>
    public void Run(ServiceEvents events, Func<CowDevice, DeviceSpace> describe)
    {
        if (Interlocked.Exchange(ref _isRunning, 1) != 0)
        {
            return;
        }
        try
        {
            Volatile.Write(ref _writesSeen, device.CowfileWrites);
            if (TryLook(out FileSystemSpace space))
            {
                SpacePolicy policy = device.Policy;
                foreach (SpaceChange change in _alarm.Compare(space, policy.Marks, device.Attachment.Shortage, device.Overlay.UsedBlocks))
                {
                    change.Log(change.Text);
                    if (change.Event is string name)
                    {
                        Tell(events, new ServiceEvent(name, DateTime.UtcNow, change.Mark, [describe(device)]), policy.Hook);
                    }
                }
            }
        }
        finally
        {
            Volatile.Write(ref _isRunning, 0);
        }
    }

    private void Tell(ServiceEvents events, ServiceEvent happened, string hook)
    {
        events.Publish(happened);
        if (hook.Length > 0)
        {
            _hook.Start(hook, happened);
        }
    }

    private bool TryLook(out FileSystemSpace space)
    {
        try
        {
            space = device.Space.LookAtAll();
            _isSilent = false;
            return true;
        }
        catch (CowloopException exception)
        {
            if (!_isSilent)
            {
                _isSilent = true;
                ServiceLog.Warning(exception.Message);
            }
            space = default;
            return false;
        }
    }
}
