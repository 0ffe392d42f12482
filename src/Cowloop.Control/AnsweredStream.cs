using System.Net.Sockets;

namespace Cowloop.Control;

/// <summary>
/// A connection whose answer is looked for also when the request could not be sent: a service that has no room says so at once, and closes.
/// </summary>
/// <param name="socket">Connected; owned.</param>
internal sealed class AnsweredStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    /// <inheritdoc/>
    /// <remarks>When nothing was answered, reading says what is wrong.</remarks>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException)
        {
            // The answer says why, or that there is none.
        }
    }
}
