// xf_require: stops elaboration where a parameter is illegal.
//
// Contract: instantiate with Ok = the condition and Message = one sentence; costs nothing when Ok is true. Verilator and
// Yosys stop while they elaborate. Icarus 11 knows no elaboration tasks, so it stops at time zero, before any clock edge.
`default_nettype none

module xf_require #(
  parameter Ok = 1'b1,
  parameter Message = "illegal parameter"
) ();

  if (!Ok) begin : gen_illegal
`ifdef __ICARUS__
    initial $fatal(1, "%m: %0s", Message);
`else
    $fatal(1, "%s", Message);
`endif
  end

endmodule

`default_nettype wire
