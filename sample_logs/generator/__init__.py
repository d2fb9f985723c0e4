"""Makes the sample case: a story first, the log lines second, and the truth from the story alone."""
