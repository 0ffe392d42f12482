using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>The part of cowloop merge that makes one layer of two while their device is in use.</summary>
internal static class LiveMerge
{
    // To describe a device the service looks at all processes, so it is asked seldom; an interruption is heard of sooner.
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(100);
    private const int StepsPerQuestion = 10;

    /// <summary>Merges.</summary>
    /// <param name="device">The device, as the user named it.</param>
    /// <param name="yes">Do not ask.</param>
    /// <param name="asJson">Print JSON.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string device, bool yes, bool asJson) => VerbRunner.WithClient(
        (client, paths) => Run(client, VerbOptions.NumberOf(device, client, paths), yes, asJson),
        "the device and its layers are as good as before; the same command does the rest");

    private static int Run(ControlClient client, int number, bool yes, bool asJson)
    {
        IReadOnlyList<string> layers = client.GetDevice(number).Layers;
        string question = layers.Count < 2
            ? ""
            : $"Write the changes of {layers[^1]} into {layers[^2]}, for good? Whatever else lies on {layers[^2]} can not be used any more. (y/N) ";
        // What can't be done is not asked for.
        if (question.Length > 0 && !yes && !Confirmation.AskToMerge(question))
        {
            return Confirmation.DeclinedExitCode;
        }
        LayerMergeReply reply = Merge(client, number);
        string size = HumanSize.Format(reply.BlockCount * reply.Device.BlockSize);
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(reply, ControlJson.Default.LayerMergeReply)
            : $"{reply.BlockCount} blocks ({size}) of {reply.Upper} are written into {reply.Lower}; {reply.Device.Path} does without {reply.Upper} now");
        return 0;
    }

    /// <summary>The service merges; how far it is is asked for. When this program is interrupted the service hears of it, for the connection ends.</summary>
    private static LayerMergeReply Merge(ControlClient client, int number)
    {
        using var session = new WorkSession();
        Task<LayerMergeReply> merge = Task.Run(() => client.MergeLayers(number));
        long shownBytes = 0;
        long totalBytes = 0;
        for (int step = 1; Task.WaitAny([merge], StepTime) < 0; step++)
        {
            MergeProgress? asked = step % StepsPerQuestion == 0 ? AskProgress(client, number) : null;
            MergeProgress progress = asked ?? new MergeProgress(shownBytes, totalBytes);
            if (progress.TotalBytes != totalBytes)
            {
                (shownBytes, totalBytes) = (0, progress.TotalBytes);
                session.Begin("merging", totalBytes);
            }
            session.Advance(progress.DoneBytes - shownBytes);
            shownBytes = progress.DoneBytes;
        }
        return merge.GetAwaiter().GetResult();
    }

    /// <summary>Asks how far it is. Of a device that is gone nothing is known; the merge says then why it ended.</summary>
    private static MergeProgress? AskProgress(ControlClient client, int number)
    {
        try
        {
            return client.GetDevice(number).Merge;
        }
        catch (CowloopException exception) when (exception.Errno == Errno.ENODEV)
        {
            return null;
        }
    }
}
