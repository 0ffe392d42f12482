using System.Runtime.Versioning;

// Loop devices, mounts and the lists of them belong to the whole machine.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: SupportedOSPlatform("linux")]
