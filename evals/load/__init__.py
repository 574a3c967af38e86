"""How fast the CRUD API and search answer with many people in them: `python -m evals.load`."""
