"""The measured programs, each run in a process of its own by evals.bench.process."""
