using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>The part of cowloop merge that merges a cowfile into a layer, or both into a new cowfile.</summary>
/// <param name="Names">The cowfile; before it the layer that it lies on may be named.</param>
/// <param name="Into">The layer, or a file that does not exist.</param>
/// <param name="Base">The base, or null.</param>
/// <param name="Yes">Do not ask.</param>
/// <param name="IsDryRun">Only verify.</param>
/// <param name="AsJson">Print JSON.</param>
internal sealed record IntoMerge(IReadOnlyList<string> Names, string Into, string? Base, bool Yes, bool IsDryRun, bool AsJson)
{
    private string Upper => Names[^1];

    /// <summary>Merges.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="CowloopException">It can't be done.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the same command finishes it.</exception>
    public int Run()
    {
        if (FileIdentity.TryGet(Into, out _) == Errno.ENOENT)
        {
            return JoinToNew();
        }
        if (Names.Count > 1 && !ActiveDevices.IsSameFile(Names[0], Into))
        {
            throw new CowloopException(
                Errno.EEXIST,
                $"{Into} exists already, and is not {Names[0]}",
                $"name a file that does not exist yet; or merge into the layer: cowloop merge {ShellWord.ForPath(Upper)} --into {ShellWord.ForPath(Names[0])}");
        }
        return MergeInPlace();
    }

    private int MergeInPlace()
    {
        using var merge = LayerMerge.Prepare(Upper, Into, writable: !IsDryRun);
        string size = HumanSize.Format(merge.BlockCount * CowLayout.BlockSize);
        if (!IsDryRun)
        {
            string question = $"Write {merge.BlockCount} changed blocks ({size}) of {Upper} into {Into}, for good? "
                + $"Whatever else lies on {Into} can not be used any more. (y/N) ";
            if (!Yes && !merge.IsDone && !merge.IsInterrupted && !Confirmation.AskToMerge(question))
            {
                return Confirmation.DeclinedExitCode;
            }
            Run(merge);
        }
        Report(
            merge.BlockCount,
            merge.IsDone && IsDryRun
                ? $"{Upper} is merged into {Into} already"
                : $"{merge.BlockCount} blocks ({size}) of {Upper} {(IsDryRun ? "would be" : "are")} written into {Into}; "
                + $"what else lies on {Into} {(IsDryRun ? "could" : "can")} not be used any more");
        return 0;
    }

    private void Run(LayerMerge merge)
    {
        try
        {
            merge.Run();
        }
        catch (CowloopException exception)
        {
            throw new CowloopException(
                exception.Errno,
                exception.Message,
                $"{Into} may hold a part of it; keep {Upper}, use {Into} only below it, and finish with the same command");
        }
    }

    private int JoinToNew()
    {
        using var join = LayerJoin.Prepare(Upper, Names.Count > 1 ? Names[0] : null, Base);
        long blockCount = IsDryRun ? join.BlockCount : join.Run(Into);
        Report(
            blockCount,
            IsDryRun
                ? $"{Into} would get at most {blockCount} blocks, of {join.LowerName} and {Upper}"
                : $"{Into}: {blockCount} blocks ({HumanSize.Format(blockCount * CowLayout.BlockSize)}), "
                + $"of {join.LowerName} and {Upper}, which stay as they are");
        return 0;
    }

    private void Report(long blockCount, string text) => Console.WriteLine(AsJson
        ? JsonSerializer.Serialize(
            new LayerMergeResult(Path.GetFullPath(Into), Path.GetFullPath(Upper), !IsDryRun, blockCount),
            StackJson.Default.LayerMergeResult)
        : text);
}
