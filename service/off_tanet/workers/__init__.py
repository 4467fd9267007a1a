"""Worker processes: admission of requests, a pool of processes, and the jobs they run."""
