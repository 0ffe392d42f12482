// The console belongs to the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
