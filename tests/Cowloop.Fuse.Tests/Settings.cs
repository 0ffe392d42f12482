// Loop devices, mounts and the lists of them belong to the whole machine.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
