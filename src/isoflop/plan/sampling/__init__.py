"""Test-time compute: coverage of repeated samples, voting, verifiers, and what to spend where."""
