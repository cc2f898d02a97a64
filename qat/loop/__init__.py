"""How a training starts, logs, checkpoints, resumes and is distributed."""
