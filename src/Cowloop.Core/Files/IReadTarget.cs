namespace Cowloop.Core.Files;

/// <summary>Takes what is read from one place after the other, by a way of its own: what lies in a file need not go through memory.</summary>
public interface IReadTarget
{
    /// <summary>Takes the next bytes, which lie in one piece in a file.</summary>
    /// <returns>After an error the whole read is over; <see cref="Errno.EOPNOTSUPP"/> for a file that it has no way for.</returns>
    Errno Take(IBlockFile file, long offsetBytes, int lengthBytes);
}
