// Each test loads the machine with processes of its own, and waits for them half of the time: two do not hinder each other.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
