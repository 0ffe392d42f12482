using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>A packed cowfile in either form, read once from its start to its end.</summary>
public abstract class PackedSource
{
    private const string CopyHint = "restore it from a copy";

    private PackedSource(string name) => Name = name;

    /// <summary>As the user named it.</summary>
    public string Name { get; }

    /// <summary>The plain form: a file with its parts at their usual offsets. What lies behind the last block is ignored.</summary>
    /// <param name="file">The file; not owned.</param>
    public static PackedSource Plain(CheckedFile file) => new PlainSource(file);

    /// <summary>The unpadded form: its parts one behind the other.</summary>
    /// <param name="stream">
    /// The stream, decompressed; not owned. It ends only after everything in it has been verified, and throws
    /// <see cref="InvalidDataException"/> with a reason when something is wrong.
    /// </param>
    /// <param name="name">As the user named it, for messages.</param>
    public static PackedSource Unpadded(Stream stream, string name) => new UnpaddedSource(stream, name);

    /// <summary>What the user can do when the parts of the source contradict each other.</summary>
    internal abstract string DamageHint { get; }

    /// <summary>Reads on. The offsets are those of the plain form and ascend; the unpadded form goes on where it is.</summary>
    /// <exception cref="CowloopException">The bytes can't be read, or the source ends before; with <see cref="Errno.None"/>.</exception>
    internal abstract void Read(long plainOffsetBytes, Span<byte> target, Fault fault);

    /// <summary>Verifies that all blocks are there, as far as that can be known before they are read.</summary>
    /// <exception cref="CowloopException">Some are missing; with <see cref="Errno.None"/>.</exception>
    internal abstract void RequireBlocks(CowLayout layout, long blockCount);

    /// <summary>Verifies that the source ends after the last block.</summary>
    /// <exception cref="CowloopException">It does not, or its checksum is wrong.</exception>
    internal abstract void RequireEnd();

    private sealed class PlainSource(CheckedFile file) : PackedSource(file.Name)
    {
        internal override string DamageHint => CopyHint;

        internal override void Read(long plainOffsetBytes, Span<byte> target, Fault fault) => file.Read(plainOffsetBytes, target, fault);

        internal override void RequireBlocks(CowLayout layout, long blockCount)
        {
            CowfileChecks.RequireBitmap(file, layout);
            CowfileChecks.RequireComplete(file, layout, new CowContents(blockCount, HighestBlock: blockCount - 1));
        }

        // The original did not cut a longer file that it packed into (specification 6.13): such remains are no damage.
        internal override void RequireEnd()
        {
        }
    }

    private sealed class UnpaddedSource(Stream stream, string name) : PackedSource(name)
    {
        internal override string DamageHint => $"{CopyHint}; if it is a plain packed cowfile that was compressed afterwards, decompress it and unpack that";

        internal override void Read(long plainOffsetBytes, Span<byte> target, Fault fault)
        {
            if (ReadUpTo(target, fault) < target.Length)
            {
                throw new CowloopException(Errno.None, $"{Name} is incomplete: it ends before its last block", CopyHint) { Fault = fault };
            }
        }

        internal override void RequireBlocks(CowLayout layout, long blockCount)
        {
        }

        internal override void RequireEnd()
        {
            Span<byte> more = stackalloc byte[1];
            if (ReadUpTo(more, Fault.ReadData) > 0)
            {
                throw new CowloopException(Errno.EINVAL, $"{Name} holds more than its header and bitmap say", DamageHint) { Fault = Fault.Damaged };
            }
        }

        private int ReadUpTo(Span<byte> target, Fault fault)
        {
            try
            {
                return stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
            }
            catch (InvalidDataException exception)
            {
                throw new CowloopException(Errno.EINVAL, $"{Name} cannot be decompressed: {exception.Message}", CopyHint) { Fault = fault };
            }
            catch (CowloopException exception)
            {
                // The stream does not know what is read through it.
                throw new CowloopException(exception.Errno, exception.Message, exception.Hint) { Fault = fault };
            }
        }
    }
}
