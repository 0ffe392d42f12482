using System.Text.Json;
using Cowloop.Control;

namespace Cowloop.Tools.Verbs;

/// <summary>The part of cowloop merge that makes one layer of two while their device is in use.</summary>
internal static class LiveMerge
{
    /// <summary>Merges.</summary>
    /// <param name="device">The device, as the user named it.</param>
    /// <param name="yes">Do not ask.</param>
    /// <param name="asJson">Print JSON.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string device, bool yes, bool asJson) => VerbRunner.WithClient((client, paths) =>
    {
        int number = VerbOptions.NumberOf(device, client, paths);
        IReadOnlyList<string> layers = client.GetDevice(number).Layers;
        string question = layers.Count < 2
            ? ""
            : $"Write the changes of {layers[^1]} into {layers[^2]}, for good? Whatever else lies on {layers[^2]} can not be used any more. (y/N) ";
        // What can't be done is not asked for.
        if (question.Length > 0 && !yes && !MergeVerb.Confirm(question))
        {
            return MergeVerb.DeclinedExitCode;
        }
        LayerMergeReply reply = client.MergeLayers(number);
        string size = HumanSize.Format(reply.BlockCount * reply.Device.BlockSize);
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(reply, ControlJson.Default.LayerMergeReply)
            : $"{reply.BlockCount} blocks ({size}) of {reply.Upper} are written into {reply.Lower}; {reply.Device.Path} does without {reply.Upper} now");
        return 0;
    });
}
