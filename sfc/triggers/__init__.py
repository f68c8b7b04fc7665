"""Triggers: what starts executions by itself, by the clock, by requests or by records of a topic. No I/O here."""
