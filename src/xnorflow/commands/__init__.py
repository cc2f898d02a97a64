"""The commands of the program, each thin over the library call of the same name in ``xnorflow.flows``."""
