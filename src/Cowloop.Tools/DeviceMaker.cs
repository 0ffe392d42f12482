using Cowloop.Control;

namespace Cowloop.Tools;

/// <summary>Makes a device: what <c>cowdev -a</c> and <c>cowloop attach</c> have in common.</summary>
internal static class DeviceMaker
{
    /// <summary>Makes the device. Warnings go to standard error.</summary>
    /// <param name="program">The program, for the warnings.</param>
    /// <param name="client">Reaches the service.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="isServiceNew">
    /// True when the service has just been started: the wanted device may have been recovered by that, and will do, unless its base is to be read.
    /// </param>
    /// <exception cref="Core.CowloopException">Refused.</exception>
    public static DeviceStatus Make(string program, ControlClient client, AttachRequest request, bool isServiceNew)
    {
        if (isServiceNew
            && !request.VerifyBase
            && request.Cowfile.Length > 0
            && Work.ActiveDevices.FindPair(client.GetService().Devices, request.Base, request.Cowfile, request.Number) is DeviceStatus recovered)
        {
            Console.Error.WriteLine($"{program}: {recovered.Path} is there again: the service that had it was killed");
            return request.Settings is SettingsRequest settings && settings != new SettingsRequest()
                ? client.Configure(recovered.Number, settings)
                : recovered;
        }
        AttachReply reply = client.Attach(request);
        foreach (string warning in reply.Warnings)
        {
            Console.Error.WriteLine($"{program}: warning: {warning}");
        }
        return reply.Device;
    }
}
