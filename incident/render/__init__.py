"""Shows findings: terminal, JSON, figures, report. No SQL and no counting: every number arrives in a record."""
