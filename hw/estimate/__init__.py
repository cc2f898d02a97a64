"""What a compiled network costs: cycles, latency and xc7 resources, per node and in total."""
