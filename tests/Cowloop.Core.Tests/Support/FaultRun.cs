using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Support;

/// <summary>
/// A short random session in which chosen calls fail, on the cowfile or on the base; checked in the end by what may be read then, from the device and from
/// the cowfile it leaves.
/// </summary>
internal sealed class FaultRun(int seed, PlannedFault fault, bool onBase) : IDisposable
{
    private const int BlockCount = 6;

    private readonly Random _random = new(seed);
    private readonly MemoryFile _memory = new();
    private byte[] _content = [];
    private AllowedContent<byte> _allowed = new([]);
    private bool[] _isAcknowledged = [];
    private bool[] _isFlushed = [];
    private CowfileOptions _options = Disk.Plain;

    /// <summary>Fails the first call, then the second, and so on until a session ends without reaching the fault.</summary>
    /// <returns>How many sessions failed somewhere.</returns>
    public static int CheckEveryCall(int seed, PlannedFault fault, bool onBase)
    {
        for (int call = 1; ; call++)
        {
            using var run = new FaultRun(seed, fault with { First = call }, onBase);
            if (!run.Check())
            {
                return call - 1;
            }
        }
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>Runs the session.</summary>
    /// <returns>False when the fault was not reached: the session has fewer calls.</returns>
    private bool Check()
    {
        _content = Fixtures.RandomBytes(_random, BlockCount * CowLayout.BlockSize);
        _allowed = new AllowedContent<byte>(_content);
        _isAcknowledged = new bool[_content.Length];
        _isFlushed = new bool[_content.Length];
        _options = _random.Next(2) == 0 ? Disk.Plain : Disk.WithRecord;
        var faulty = new FaultyFile(onBase ? new FlatFile(_content) : _memory, fault);
        try
        {
            Run(faulty);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"seed {seed}, {fault}, {(onBase ? "base" : "cowfile")}: {exception.Message}", exception);
        }
        return faulty.HasFired;
    }

    private void Run(FaultyFile faulty)
    {
        if (_random.Next(2) == 0)
        {
            Prepare();
        }
        byte[] before = _memory.ToArray();
        Overlay overlay;
        try
        {
            overlay = Open(faulty);
        }
        catch (CowloopException)
        {
            Assert.True(_memory.LengthBytes == 0 || before.Length == 0 || _memory.ToArray().AsSpan().SequenceEqual(before));
            return;
        }

        for (int step = 0; step < 12; step++)
        {
            Step(overlay);
        }
        bool isRestricted = _random.Next(4) == 0 && overlay.Restrict(CowfileAccess.ReadOnly, () => { }) == Errno.None;
        faulty.IsArmed = false;
        AssertAllowed(overlay.GetAll());
        if (!onBase)
        {
            Assert.Equal(faulty.HasFailedSync, overlay.Failure != Errno.None);
        }
        if (isRestricted)
        {
            NoteFlush(Errno.None);
            Assert.Equal(Errno.EIO, overlay.Fill(0, 1, 1));
        }
        faulty.IsArmed = true;
        Errno closed = overlay.Close();
        faulty.IsArmed = false;
        CheckClosedFile(closed);
    }

    /// <summary>Starts from a cowfile that holds something already; of some the bitmap decides.</summary>
    private void Prepare()
    {
        Overlay overlay = Disk.Open(new FlatFile(_content), _memory, _options);
        byte[] data = Fixtures.RandomBytes(_random, 2000);
        Assert.Equal(Errno.None, overlay.Write(500, data, fua: false));
        NoteWrite(500, data, isAcknowledged: true);
        Assert.Equal(Errno.None, overlay.Close());
        NoteFlush(Errno.None);
    }

    private Overlay Open(FaultyFile faulty)
    {
        if (!onBase)
        {
            return Disk.Open(new FlatFile(_content), faulty, _options);
        }
        // A base that can't be read has another fingerprint, as the original's had.
        faulty.IsArmed = false;
        Overlay overlay = Disk.Open(faulty, _memory, _options);
        faulty.IsArmed = true;
        return overlay;
    }

    private void Step(Overlay overlay)
    {
        int offset = _random.Next(_allowed.Length);
        byte[] data = new byte[Math.Min(_allowed.Length - offset, _random.Next(3000))];
        bool fua = _random.Next(6) == 0;
        bool mayUnmap = _random.Next(2) == 0;
        int operation = _random.Next(9);
        if (operation < 4)
        {
            _random.NextBytes(data);
            NoteChange(overlay, offset, data, fua, overlay.Write(offset, data, fua));
        }
        else if (operation < 6)
        {
            NoteChange(overlay, offset, data, fua, overlay.Zero(offset, data.Length, mayUnmap, fua));
        }
        else if (operation == 6)
        {
            NoteFlush(overlay.Flush());
        }
        else if (operation == 7)
        {
            NoteFlush(overlay.Clean());
        }
        else
        {
            // Whatever is wrong, no read is answered with something else.
            byte[] read = new byte[_allowed.Length];
            if (overlay.Read(0, read) == Errno.None)
            {
                AssertAllowed(read);
            }
        }
    }

    private void NoteChange(Overlay overlay, int offset, byte[] data, bool fua, Errno errno)
    {
        if (errno == Errno.EROFS)
        {
            Assert.NotEqual(Errno.None, overlay.Failure);
            return;
        }
        NoteWrite(offset, data, isAcknowledged: errno == Errno.None);
        if (fua)
        {
            NoteFlush(errno);
        }
    }

    private void NoteFlush(Errno errno)
    {
        if (errno == Errno.None)
        {
            _allowed.EndFlush(_allowed.BeginFlush());
            _isAcknowledged.CopyTo(_isFlushed, 0);
        }
    }

    private void NoteWrite(int offset, byte[] data, bool isAcknowledged)
    {
        _allowed.Write(offset, data, isAcknowledged);
        if (isAcknowledged)
        {
            _isAcknowledged.AsSpan(offset, data.Length).Fill(true);
        }
    }

    private void AssertAllowed(byte[] found) => AssertAllowed(found, Death.Service, index => true);

    private void AssertAllowed(byte[] found, Death death, Func<int, bool> counts)
    {
        int[] wrong = [.. Enumerable.Range(0, found.Length).Where(index => counts(index) && !_allowed.Allows(index, found[index], death)).Take(1)];
        Assert.True(wrong.Length == 0, wrong.Length == 0 ? "" : $"byte {wrong[0]} is {found[wrong[0]]}, allowed is {string.Join(" or ", _allowed.AllowedValues(wrong[0], death))}");
    }

    /// <summary>A file that was closed well opens and is right. Another one is right as well, or is refused as dirty, and a repair makes it so.</summary>
    private void CheckClosedFile(Errno closed)
    {
        if (closed == Errno.None)
        {
            using Overlay overlay = Disk.Open(new FlatFile(_content), _memory, _options);
            AssertAllowed(overlay.GetAll());
            CowfileCheck.AssertClean(_memory, overlay.Layout);
            return;
        }
        CowHeader header = AtRest.HeaderOf(_memory);
        bool bitmapDecides = header.Flags.HasFlag(CowFlags.BitmapDecides);
        if (header.Flags.HasFlag(CowFlags.Dirty) && bitmapDecides)
        {
            Disk.Open(new FlatFile(_content), _memory, _options).Dispose();
        }
        else if (header.Flags.HasFlag(CowFlags.Dirty))
        {
            var refused = Assert.Throws<CowloopException>(() => Disk.Open(new FlatFile(_content), _memory, _options));
            Assert.Contains("is dirty", refused.Message, StringComparison.Ordinal);
            AtRest.Repair(_memory);
        }
        Assert.Empty(Checker.Run(AtRest.Named(_memory), new CheckedFile(new FlatFile(_content), Disk.BaseName), NobodyWatches.Instance));
        using Overlay repaired = Disk.Open(new FlatFile(_content), _memory, _options);
        // Where the bitmap does not decide, half a block that nobody was promised may come back.
        AssertAllowed(repaired.GetAll(), Death.Power, index => bitmapDecides || _isFlushed[index]);
    }
}
