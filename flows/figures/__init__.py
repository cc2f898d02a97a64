"""Pictures, drawn without a display: the same data give the same file."""
