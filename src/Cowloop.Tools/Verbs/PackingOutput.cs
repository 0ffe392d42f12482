using System.Text.Json;
using System.Text.Json.Serialization;
using Cowloop.Control;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>What <c>cowloop pack</c> and <c>cowloop unpack</c> say.</summary>
internal static class PackingOutput
{
    /// <summary>Does the work and says what came of it, on standard output or, when it fails, on standard error.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(bool asJson, Func<PackingReport> work) => VerbRunner.Run(
        () =>
        {
            PackingReport report = work();
            Console.WriteLine(asJson ? JsonSerializer.Serialize(report, PackingJson.Default.PackingReport) : Describe(report));
            return 0;
        },
        "nothing was made or changed");

    private static string Describe(PackingReport report)
    {
        string blocks = $"{report.Blocks} blocks, {HumanSize.Format(report.Blocks * CowLayout.BlockSize)}";
        return $"{report.Destination}: {blocks}; {HumanSize.Format(report.SourceBytes)} became {HumanSize.Format(report.DestinationBytes)}";
    }
}

/// <summary>How the report is written as JSON.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, Converters = [typeof(PackedEncodingConverter)])]
[JsonSerializable(typeof(PackingReport))]
internal sealed partial class PackingJson : JsonSerializerContext;

/// <summary>The encoding as the options spell it.</summary>
internal sealed class PackedEncodingConverter() : JsonStringEnumConverter<PackedEncoding>(JsonNamingPolicy.CamelCase);
