using System.Runtime.Versioning;

// The environment belongs to the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: SupportedOSPlatform("linux")]
