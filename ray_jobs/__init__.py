"""The same functions in this process, in worker processes, or on many machines."""
