using Cowloop.Core.Files;

namespace Cowloop.Core.Maintenance;

/// <summary>A file whose errors are exceptions that name it: for work on files at rest, outside the data path.</summary>
/// <param name="file">The file; not owned.</param>
/// <param name="name">As the user named it, for messages.</param>
public sealed class CheckedFile(IBlockFile file, string name)
{
    /// <summary>As the user named it.</summary>
    public string Name => name;

    /// <summary>The file itself.</summary>
    public IBlockFile File => file;

    /// <summary>Length in bytes now.</summary>
    public long LengthBytes => file.LengthBytes;

    /// <summary>Fills <paramref name="target"/>.</summary>
    /// <exception cref="CowloopException">It can't be read; with <see cref="Errno.None"/> when the file ends before.</exception>
    public void Read(long offsetBytes, Span<byte> target, Fault fault)
    {
        if (offsetBytes > LengthBytes - target.Length)
        {
            throw new CowloopException(
                Errno.None,
                $"{name} is incomplete: it ends at byte {LengthBytes}, and what is needed reaches to byte {offsetBytes + target.Length}",
                "restore it from a copy")
            {
                Fault = fault,
            };
        }
        Check(file.ReadAt(offsetBytes, target), fault, "read", offsetBytes);
    }

    /// <summary>Writes all of <paramref name="source"/>.</summary>
    /// <exception cref="CowloopException">It can't be written, or only in part.</exception>
    public void Write(long offsetBytes, ReadOnlySpan<byte> source, Fault fault) =>
        Check(file.WriteAt(offsetBytes, source), fault, "written", offsetBytes);

    /// <summary>Makes a range read as zeros and gives its space back where the filesystem can.</summary>
    /// <returns>False when holes can't be punched there: nothing has changed.</returns>
    /// <exception cref="CowloopException">It fails.</exception>
    public bool TryPunch(long offsetBytes, long lengthBytes, Fault fault)
    {
        Errno errno = file.Punch(offsetBytes, lengthBytes);
        if (errno == Errno.EOPNOTSUPP)
        {
            return false;
        }
        Check(errno, fault, "cleared", offsetBytes);
        return true;
    }

    /// <summary>Cuts the file, or lengthens it with a hole.</summary>
    /// <exception cref="CowloopException">It fails.</exception>
    public void SetLength(long lengthBytes, Fault fault) => Check(file.SetLength(lengthBytes), fault, "given a length", lengthBytes);

    /// <summary>Reserves space for a range where the filesystem can; see <see cref="IBlockFile.Allocate"/>.</summary>
    /// <exception cref="CowloopException">There is not so much.</exception>
    public void Reserve(long offsetBytes, long lengthBytes, Fault fault)
    {
        Errno errno = file.Allocate(offsetBytes, lengthBytes);
        if (errno != Errno.EOPNOTSUPP)
        {
            Check(errno, fault, "allocated", offsetBytes);
        }
    }

    /// <summary>Finds the next stretch that is not a hole; see <see cref="IBlockFile.NextData"/>.</summary>
    /// <exception cref="CowloopException">It fails.</exception>
    public (long StartBytes, long EndBytes) NextData(long offsetBytes, Fault fault)
    {
        Check(file.NextData(offsetBytes, out long startBytes, out long endBytes), fault, "searched", offsetBytes);
        return (startBytes, endBytes);
    }

    /// <summary>Finds the next piece of an area that is data; see <see cref="DataPieces.Next"/>.</summary>
    /// <param name="pieces">The area, of this file.</param>
    /// <param name="fault">What an error means.</param>
    /// <exception cref="CowloopException">It fails.</exception>
    public (long OffsetBytes, int LengthBytes) Next(DataPieces pieces, Fault fault)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        Errno errno = pieces.Next(out long offsetBytes, out int lengthBytes);
        Check(errno, fault, "searched", pieces.StartBytes + offsetBytes);
        return (offsetBytes, lengthBytes);
    }

    /// <summary>Makes everything durable.</summary>
    /// <exception cref="CowloopException">It fails.</exception>
    public void Sync(Fault fault)
    {
        Errno errno = file.SyncOrNoSpace();
        if (errno != Errno.None)
        {
            throw Failed($"{name} cannot be made durable: {errno.Text()}", errno, fault);
        }
    }

    private void Check(Errno errno, Fault fault, string what, long offsetBytes)
    {
        if (errno != Errno.None)
        {
            throw Failed($"{name} cannot be {what} at byte {offsetBytes}: {errno.Text()}", errno, fault);
        }
    }

    private static CowloopException Failed(string reason, Errno errno, Fault fault)
    {
        string? hint = errno switch
        {
            Errno.ENOSPC => "free some space there and run it again",
            Errno.EIO => "the kernel's log may say more",
            _ => null,
        };
        return new CowloopException(errno, reason, hint) { Fault = fault };
    }
}
