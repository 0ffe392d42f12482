using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cowloop.Tools.Verbs;

/// <summary>What <c>cowloop seal --json</c> prints.</summary>
/// <param name="Path">Absolute path of the cowfile.</param>
/// <param name="Changed">False when it was sealed already.</param>
internal sealed record SealResult(string Path, bool Changed);

/// <summary>What <c>cowloop flatten --json</c> prints.</summary>
/// <param name="Path">Absolute path of the new image.</param>
/// <param name="LengthBytes">Its length.</param>
internal sealed record FlattenResult(string Path, long LengthBytes);

/// <summary>What <c>cowloop compact --json</c> prints.</summary>
/// <param name="Path">Absolute path of the cowfile.</param>
/// <param name="DroppedBlocks">Blocks that were taken out.</param>
/// <param name="ChangedBlocks">Blocks that it holds afterwards.</param>
internal sealed record CompactResult(string Path, long DroppedBlocks, long ChangedBlocks);

/// <summary>What <c>cowloop rebase --json</c> prints.</summary>
/// <param name="Path">Absolute path of the cowfile.</param>
/// <param name="Base">Absolute path of the base that it lies on now.</param>
/// <param name="CopiedBlocks">Blocks that were copied into it.</param>
/// <param name="DroppedBlocks">Blocks that were taken out.</param>
internal sealed record RebaseResult(string Path, string Base, long CopiedBlocks, long DroppedBlocks);

/// <summary>What <c>cowloop merge --into --json</c> prints.</summary>
/// <param name="Into">Absolute path of the layer, or of the new cowfile.</param>
/// <param name="Cowfile">Absolute path of the cowfile that is merged.</param>
/// <param name="Merged">False for a dry run.</param>
/// <param name="Blocks">Blocks that are written.</param>
internal sealed record LayerMergeResult(string Into, string Cowfile, bool Merged, long Blocks);

/// <summary>What <c>cowloop diff --json</c> prints.</summary>
/// <param name="a">Absolute path of the one.</param>
/// <param name="b">Absolute path of the other.</param>
/// <param name="ranges">Where they differ; read once, while it is written.</param>
/// <param name="countBytes">Asked when the ranges are written.</param>
internal sealed class DiffResult(string a, string b, IEnumerable<ByteRange> ranges, Func<long> countBytes)
{
    /// <summary>Absolute path of the one.</summary>
    [JsonPropertyOrder(0)]
    public string A => a;

    /// <summary>Absolute path of the other.</summary>
    [JsonPropertyOrder(1)]
    public string B => b;

    /// <summary>Where they differ.</summary>
    [JsonPropertyOrder(2)]
    public IEnumerable<ByteRange> Ranges => ranges;

    /// <summary>Bytes in all ranges.</summary>
    [JsonPropertyOrder(3)]
    public long DifferentBytes => countBytes();

    /// <summary>True when there are none.</summary>
    [JsonPropertyOrder(4)]
    public bool Equal => countBytes() == 0;
}

/// <summary>The results of the verbs for layers as JSON.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(SealResult))]
[JsonSerializable(typeof(FlattenResult))]
[JsonSerializable(typeof(CompactResult))]
[JsonSerializable(typeof(RebaseResult))]
[JsonSerializable(typeof(LayerMergeResult))]
[JsonSerializable(typeof(DiffResult))]
internal sealed partial class StackJson : JsonSerializerContext;
