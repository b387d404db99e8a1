"""Words cut from aligned recordings, by rank or by name."""
