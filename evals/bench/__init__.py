"""The benchmark: this product beside the libraries that people would otherwise use, in one run, with the same model
and the same texts. `python -m evals.bench --help` explains itself."""
