"""What surrounds each call of the model and of a tool; one concern a file. assistant.agent.graph has their order."""
