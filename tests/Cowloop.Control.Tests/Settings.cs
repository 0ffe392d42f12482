using System.Runtime.Versioning;

// Environment variables belong to the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: SupportedOSPlatform("linux")]
