// Each test loads the machine with processes of its own.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
