"""What the networks are: architectures, registry, cost accounting."""
