"""The command line: one verb a public function."""
