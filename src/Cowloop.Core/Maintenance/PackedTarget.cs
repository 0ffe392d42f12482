namespace Cowloop.Core.Maintenance;

/// <summary>Where a packed cowfile goes in either form, written once from its start to its end.</summary>
public abstract class PackedTarget
{
    private PackedTarget()
    {
    }

    /// <summary>The plain form: a file with its parts at their usual offsets. The caller makes it durable.</summary>
    /// <param name="file">The file, new and empty; not owned.</param>
    public static PackedTarget Plain(CheckedFile file) => new PlainTarget(file);

    /// <summary>The unpadded form: its parts one behind the other.</summary>
    /// <param name="stream">The stream, which may compress; not owned. The caller finishes it.</param>
    public static PackedTarget Unpadded(Stream stream) => new UnpaddedTarget(stream);

    /// <summary>Writes on. The offsets are those of the plain form and ascend; the unpadded form goes on where it is.</summary>
    /// <exception cref="CowloopException">The bytes can't be written.</exception>
    internal abstract void Write(long plainOffsetBytes, ReadOnlySpan<byte> source, Fault fault);

    /// <summary>Ends it.</summary>
    /// <param name="plainLengthBytes">How long it is in the plain form.</param>
    /// <exception cref="CowloopException">It fails.</exception>
    internal abstract void Finish(long plainLengthBytes);

    private sealed class PlainTarget(CheckedFile file) : PackedTarget
    {
        internal override void Write(long plainOffsetBytes, ReadOnlySpan<byte> source, Fault fault) =>
            NewFileWriter.Write(file, plainOffsetBytes, source, fault);

        internal override void Finish(long plainLengthBytes) => file.SetLength(plainLengthBytes, Fault.WriteData);
    }

    private sealed class UnpaddedTarget(Stream stream) : PackedTarget
    {
        internal override void Write(long plainOffsetBytes, ReadOnlySpan<byte> source, Fault fault) => stream.Write(source);

        internal override void Finish(long plainLengthBytes)
        {
        }
    }
}
