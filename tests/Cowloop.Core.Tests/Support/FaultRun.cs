using Cowloop.Core.Devices;

namespace Cowloop.Core.Tests.Support;

/// <summary>A short random session in which chosen calls on the cowfile fail; checked in the end by what may be read then.</summary>
internal sealed class FaultRun(int seed, PlannedFault fault) : IDisposable
{
    private const int BlockCount = 6;

    private readonly Random _random = new(seed);
    private readonly MemoryFile _memory = new();

    /// <summary>Runs the session.</summary>
    /// <returns>False when the fault was not reached: the session has fewer calls.</returns>
    public bool Check()
    {
        var faulty = new FaultyFile(_memory, fault);
        try
        {
            Run(faulty);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"seed {seed}, {fault}: {exception.Message}", exception);
        }
        return faulty.HasFired;
    }

    public void Dispose() => _memory.Dispose();

    private void Run(FaultyFile faulty)
    {
        byte[] content = Fixtures.RandomBytes(_random, BlockCount * 1024);
        var allowed = new AllowedContent<byte>(content);
        if (_random.Next(2) == 0)
        {
            Prepare(content, allowed);
        }
        byte[] before = _memory.ToArray();
        Overlay overlay;
        try
        {
            overlay = Disk.Open(content, faulty);
        }
        catch (CowloopException)
        {
            Assert.True(_memory.LengthBytes == 0 || before.Length == 0 || _memory.ToArray().AsSpan().SequenceEqual(before));
            return;
        }

        for (int step = 0; step < 12; step++)
        {
            Step(overlay, allowed);
        }
        faulty.IsArmed = false;
        AssertAllowed(allowed, overlay.GetAll());
        faulty.IsArmed = true;
        Errno closed = overlay.Close();
        faulty.IsArmed = false;
        CheckClosedFile(content, allowed, closed);
    }

    /// <summary>Starts from a cowfile that holds something already.</summary>
    private void Prepare(byte[] content, AllowedContent<byte> allowed)
    {
        Overlay overlay = Disk.Open(content, _memory);
        byte[] data = Fixtures.RandomBytes(_random, 2000);
        Assert.Equal(Errno.None, overlay.Write(500, data, fua: false));
        allowed.Write(500, data, isAcknowledged: true);
        Assert.Equal(Errno.None, overlay.Close());
    }

    private void Step(Overlay overlay, AllowedContent<byte> allowed)
    {
        int offset = _random.Next(allowed.Length);
        byte[] data = new byte[Math.Min(allowed.Length - offset, _random.Next(3000))];
        bool fua = _random.Next(6) == 0;
        bool mayUnmap = _random.Next(2) == 0;
        int operation = _random.Next(8);
        if (operation < 4)
        {
            _random.NextBytes(data);
            Note(overlay.Write(offset, data, fua));
        }
        else if (operation < 6)
        {
            Note(overlay.Zero(offset, data.Length, mayUnmap, fua));
        }
        else if (operation == 6)
        {
            overlay.Flush();
        }
        else
        {
            overlay.Clean();
        }

        void Note(Errno errno)
        {
            if (errno != Errno.EROFS)
            {
                allowed.Write(offset, data, isAcknowledged: errno == Errno.None);
            }
            else
            {
                Assert.NotEqual(Errno.None, overlay.Failure);
            }
        }
    }

    private static void AssertAllowed(AllowedContent<byte> allowed, byte[] found)
    {
        int index = allowed.FirstForbidden(found, Death.Service);
        Assert.True(index < 0, index < 0 ? "" : $"byte {index} is {found[index]}, allowed is {string.Join(" or ", allowed.AllowedValues(index, Death.Service))}");
    }

    /// <summary>A file that was closed well opens and is right. Another one is refused as dirty, or is right as well.</summary>
    private void CheckClosedFile(byte[] content, AllowedContent<byte> allowed, Errno closed)
    {
        Overlay overlay;
        try
        {
            overlay = Disk.Open(content, _memory);
        }
        catch (CowloopException refused) when (closed != Errno.None)
        {
            Assert.Contains("is dirty", refused.Message, StringComparison.Ordinal);
            return;
        }
        AssertAllowed(allowed, overlay.GetAll());
        if (closed == Errno.None)
        {
            CowfileCheck.AssertClean(_memory, overlay.Layout);
        }
        Assert.Equal(Errno.None, overlay.Close());
    }
}
