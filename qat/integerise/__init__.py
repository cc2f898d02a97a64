"""Make a trained network's forward pass integer arithmetic in disguise."""
