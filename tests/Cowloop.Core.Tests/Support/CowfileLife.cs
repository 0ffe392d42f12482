using Cowloop.Core.Devices;
using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Support;

/// <summary>How one session with a device ends.</summary>
internal enum SessionEnd
{
    /// <summary>Deactivated.</summary>
    Close,
    /// <summary>The process dies, and <c>cowrepair -f</c> repairs the file.</summary>
    CrashThenTool,
    /// <summary>The process dies, and the next activation repairs the file if it is dirty.</summary>
    CrashThenActivation,
}

/// <summary>Something done to a device. Offsets and lengths are taken modulo what there is, so any step fits any device.</summary>
internal abstract record LifeStep
{
    internal sealed record Write(int Offset, int Length, byte Fill, bool Fua) : LifeStep;

    internal sealed record Zero(int Offset, int Length, bool MayUnmap, bool Fua) : LifeStep;

    internal sealed record Flush : LifeStep;

    internal sealed record Clean : LifeStep;

    internal sealed record NextSession(SessionEnd End) : LifeStep;
}

/// <summary>
/// The life of a cowfile: sessions with a device, each ended by a deactivation or a crash of the process, beside a plain copy of the base
/// to which the same is done. A crash takes from the copy what a repair cannot find: the zeroed blocks whose bit was in memory only, and where the
/// bitmap decides all blocks whose bit was.
/// </summary>
internal sealed class CowfileLife : IDisposable
{
    private readonly byte[] _content;
    private readonly byte[] _expected;
    private readonly CowLayout _layout;
    private readonly bool _bitmapDecides;
    private readonly HashSet<int> _unflushed = [];
    private readonly HashSet<int> _flushed = [];
    private Overlay _overlay;

    /// <param name="content">The base.</param>
    /// <param name="variant">Who makes the cowfile.</param>
    /// <param name="bitmapDecides">Whether its bitmap is authoritative.</param>
    /// <param name="canPunch">Whether its filesystem can punch holes.</param>
    public CowfileLife(byte[] content, CowVariant variant, bool bitmapDecides, bool canPunch)
    {
        _content = content;
        _expected = [.. content];
        _layout = Disk.LayoutOf(new FlatFile(content));
        _bitmapDecides = bitmapDecides;
        Cowfile = new CowImage
        {
            BlockCount = _layout.BlockCount,
            Fingerprint = BaseFingerprint.Compute(new FlatFile(content), _layout.BlockCount),
            Variant = variant,
            Flags = (ushort)(bitmapDecides ? CowFlags.BitmapDecides : CowFlags.None),
        }.ToSparse();
        Cowfile.CanPunch = canPunch;
        _overlay = Disk.Open(content, Cowfile);
    }

    /// <summary>What has become of the cowfile; at rest after <see cref="End"/>.</summary>
    public MemoryFile Cowfile { get; }

    /// <summary>What the base must be with the cowfile's changes in it.</summary>
    public ReadOnlySpan<byte> Expected => _expected;

    public void Do(LifeStep step)
    {
        switch (step)
        {
            case LifeStep.Write write:
                Change(write.Offset, write.Length, write.Fill, (offset, data) => _overlay.Write(offset, data, write.Fua), write.Fua);
                break;
            case LifeStep.Zero zero:
                Change(zero.Offset, zero.Length, 0, (offset, data) => _overlay.Zero(offset, data.Length, zero.MayUnmap, zero.Fua), zero.Fua);
                break;
            case LifeStep.Flush:
                Assert.Equal(Errno.None, _overlay.Flush());
                NoteFlush();
                break;
            case LifeStep.Clean:
                Assert.Equal(Errno.None, _overlay.Clean());
                NoteFlush();
                break;
            case LifeStep.NextSession next:
                End(next.End);
                _overlay = new Overlay(
                    new FlatFile(_content),
                    Disk.OpenCowfile(new FlatFile(_content), Cowfile, repair: next.End == SessionEnd.CrashThenActivation),
                    512);
                Assert.Equal(_expected[..(int)_layout.DeviceBytes], _overlay.GetAll());
                break;
        }
    }

    /// <summary>Ends the session; what follows a crash is done by the tool, unless it is left to the next activation.</summary>
    public void End(SessionEnd end)
    {
        if (end == SessionEnd.Close)
        {
            Assert.Equal(Errno.None, _overlay.Close());
            NoteFlush();
            return;
        }
        foreach (int block in _unflushed)
        {
            Range bytes = (block * 1024)..(block * 1024 + 1024);
            if (_bitmapDecides || !_expected.AsSpan(bytes).ContainsAnyExcept((byte)0))
            {
                _content.AsSpan(bytes).CopyTo(_expected.AsSpan(bytes));
            }
            else
            {
                _flushed.Add(block);
            }
        }
        _unflushed.Clear();
        if (end == SessionEnd.CrashThenTool)
        {
            AtRest.Repair(Cowfile);
        }
    }

    public void Dispose() => _overlay.Dispose();

    private void Change(int offset, int length, byte fill, Func<int, byte[], Errno> change, bool fua)
    {
        int deviceBytes = (int)_layout.DeviceBytes;
        offset %= deviceBytes;
        byte[] data = Fixtures.Filled(length % (deviceBytes - offset + 1), fill);
        Assert.Equal(Errno.None, change(offset, data));
        data.CopyTo(_expected, offset);
        for (int block = offset / 1024; block * 1024 < offset + data.Length && data.Length > 0; block++)
        {
            if (!_flushed.Contains(block))
            {
                _unflushed.Add(block);
            }
        }
        if (fua)
        {
            NoteFlush();
        }
    }

    private void NoteFlush()
    {
        _flushed.UnionWith(_unflushed);
        _unflushed.Clear();
    }
}
