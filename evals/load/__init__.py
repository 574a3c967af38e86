"""How fast the CRUD API answers with many people in it: `python -m evals.load`."""
