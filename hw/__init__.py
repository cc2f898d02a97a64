"""The hardware: dataflow graph, lowering from QONNX, folding, estimates and the RTL emitter. Never imports torch."""
