using System.Net.Sockets;

namespace Cowloop.Linux;

/// <summary>The service manager that started this process, when it wants to hear of it: the protocol of sd_notify(3).</summary>
public static class ServiceManager
{
    private const string SocketVariable = "NOTIFY_SOCKET";

    /// <summary>Says once that the service serves. Nothing happens when no manager wants to hear it.</summary>
    /// <returns>False when it can't be told.</returns>
    public static bool TryNotifyReady()
    {
        string? address = Environment.GetEnvironmentVariable(SocketVariable);
        if (string.IsNullOrEmpty(address))
        {
            return true;
        }
        // For this process alone, not for the programs that it runs.
        Environment.SetEnvironmentVariable(SocketVariable, null);
        try
        {
            // The manager writes the zero byte of an abstract address as @.
            var endPoint = new UnixDomainSocketEndPoint(address.StartsWith('@') ? $"\0{address[1..]}" : address);
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo("READY=1"u8, endPoint);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            return false;
        }
    }
}
