"""What runs beside an engine on its loop and starts executions by itself."""
