using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cowloop.Tools.Verbs;

/// <summary>What <c>cowloop import-dm --json</c> prints.</summary>
/// <param name="Path">Absolute path of the cowfile.</param>
/// <param name="Chunks">Changed chunks of the store.</param>
/// <param name="ChunkBytes">Size of a chunk.</param>
/// <param name="ChangedBlocks">Blocks that the cowfile holds.</param>
/// <param name="EqualBlocks">Blocks that were left out, for they are equal to the base.</param>
/// <param name="LosesRest">True when the last sector of the base, which is no whole block, had other content.</param>
internal sealed record DmImportResult(string Path, long Chunks, long ChunkBytes, long ChangedBlocks, long EqualBlocks, bool LosesRest);

/// <summary>What <c>cowloop export-dm --json</c> prints.</summary>
/// <param name="Path">Absolute path of the store.</param>
/// <param name="LengthBytes">Its length; that of a file counts its holes too.</param>
/// <param name="Chunks">Changed chunks in it.</param>
/// <param name="ChunkBytes">Size of a chunk.</param>
/// <param name="Sectors">Size of the snapshot in sectors of 512 bytes.</param>
/// <param name="CanRunFull">True when the store has no room for a change of every chunk.</param>
/// <param name="Table">The table that activates it; <c>$ORIGIN</c> and <c>$STORE</c> stand for the loop devices of files.</param>
internal sealed record DmExportResult(string Path, long LengthBytes, long Chunks, long ChunkBytes, long Sectors, bool CanRunFull, string Table);

/// <summary>The results of the verbs for device mapper as JSON.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(DmImportResult))]
[JsonSerializable(typeof(DmExportResult))]
internal sealed partial class DmJson : JsonSerializerContext;
