using System.CommandLine;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop rollback: throw the changes of a device away.</summary>
internal static class RollbackVerb
{
    public static Command Create()
    {
        Argument<string> device = VerbOptions.Device();
        var command = new Verb(
            "rollback",
            "Throw all changes in the cowfile of a device away and start with an empty one; its layers stay. Refused while the device is in use.",
            "cowloop rollback /dev/cow/0")
        {
            device,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
        {
            client.Rollback(VerbOptions.NumberOf(result.GetRequiredValue(device), client, paths));
            return 0;
        }));
        return command;
    }
}
