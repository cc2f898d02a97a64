"""What a user runs: one module for each command of the command line."""
