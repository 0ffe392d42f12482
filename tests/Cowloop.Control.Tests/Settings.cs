// Environment variables belong to the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
