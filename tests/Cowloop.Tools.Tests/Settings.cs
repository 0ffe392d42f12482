using System.Runtime.Versioning;

// The console belongs to the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: SupportedOSPlatform("linux")]
