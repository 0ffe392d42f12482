using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>Records the calls in order, and lets a test act or answer an error in the middle of one.</summary>
internal sealed class TracingFile(IBlockFile inner) : FileDecorator(inner)
{
    private readonly List<FileCall> _calls = [];

    /// <summary>Asked before each call; an error keeps the call from happening and becomes its result.</summary>
    public Func<FileCall, Errno>? OnCall { get; set; }

    public IEnumerable<string> Calls
    {
        get
        {
            lock (_calls)
            {
                return [.. _calls.Select(call => call.ToString())];
            }
        }
    }

    public bool HasChanges
    {
        get
        {
            lock (_calls)
            {
                return _calls.Any(call => call.Changes);
            }
        }
    }

    public void Forget()
    {
        lock (_calls)
        {
            _calls.Clear();
        }
    }

    /// <summary>Makes the next call of this text fail.</summary>
    public void FailOnce(string text, Errno errno) => OnCall = call =>
    {
        if (call.ToString() != text)
        {
            return Errno.None;
        }
        OnCall = null;
        return errno;
    };

    /// <summary>Acts once, in the middle of the next call of this text.</summary>
    public void DuringNext(string text, Action action) => OnCall = call =>
    {
        if (call.ToString() == text)
        {
            OnCall = null;
            action();
        }
        return Errno.None;
    };

    protected override Errno Before(FileCall call)
    {
        lock (_calls)
        {
            _calls.Add(call);
        }
        return OnCall?.Invoke(call) ?? Errno.None;
    }
}
