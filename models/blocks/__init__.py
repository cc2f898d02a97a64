"""The building blocks of the residual networks, one kind a file."""
