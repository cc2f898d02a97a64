"""A compiled network through FINN+'s own dataflow builder, with our RTL cells as its operators (docs/finn.md)."""
