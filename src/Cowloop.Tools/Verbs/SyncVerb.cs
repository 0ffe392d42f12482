using System.CommandLine;
using Cowloop.Linux;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop sync: what cowsync does.</summary>
internal static class SyncVerb
{
    public static Command Create()
    {
        var command = new Verb(
            "sync",
            "Write all filesystems out, and make the cowfiles of all devices durable and clean while they are in use.",
            "cowloop sync");
        command.SetAction(_ => VerbRunner.WithClient((client, _) =>
        {
            client.Connect();
            HostProcess.SyncAll();
            client.Sync();
            return 0;
        }));
        return command;
    }
}
