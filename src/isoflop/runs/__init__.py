"""What was observed: runs, tables of runs, and how they were counted."""
