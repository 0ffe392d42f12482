[assembly: RootTestsNeed("/dev/fuse", "/dev/loop-control")]

// Loop devices, mounts and two cores are shared by all: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
