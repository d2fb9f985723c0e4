"""Measuring: seeded logs, whole processes, answers compared."""
