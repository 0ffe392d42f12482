using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Cowloop.Linux;

/// <summary>
/// Who is at the other end of a unix socket: as the kernel noted it when the connection was made, whatever the socket's file allows
/// and whoever has the descriptor now.
/// </summary>
/// <param name="ProcessId">The process; 0 when it is not of this container.</param>
/// <param name="UserId">Its user.</param>
public readonly record struct PeerCredentials(int ProcessId, uint UserId)
{
    /// <summary>True for root, or what passes for it in a container.</summary>
    public bool IsRoot => UserId == 0;

    /// <summary>Asks about a connected unix socket. Any other one has a peer that is no user.</summary>
    /// <exception cref="SocketException">The socket is closed.</exception>
    public static PeerCredentials Of(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var credentials = new LibC.ucred_t { uid = uint.MaxValue };
        socket.GetRawSocketOption(LibC.SOL_SOCKET, LibC.SO_PEERCRED, MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref credentials, 1)));
        return new PeerCredentials(credentials.pid, credentials.uid);
    }
}
