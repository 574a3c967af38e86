"""What surrounds each call of the model and of a tool; one concern a file. assistant.graph says in which order."""
