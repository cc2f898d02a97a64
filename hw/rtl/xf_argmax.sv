// xf_argmax: index of the greatest element; the lowest of equal ones.
//
// Contract: takes Channels elements of Bits bits, Lanes a beat, makes one index of OutBits bits a frame.
// InKind: 0 unsigned, 1 two's complement, 2 bipolar.
// Latency 2 cycles from the last beat, interval one cycle an input beat. in_ready_o depends on registers only.
// Cost: Lanes comparators in a chain, one more for the best so far, two registers of Bits + OutBits.
`default_nettype none

module xf_argmax #(
  parameter integer Channels = 1,
  parameter integer Lanes = 1,
  parameter integer Bits = 1,
  parameter integer InKind = 0,
  parameter integer OutBits = 1
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  input  wire logic                  in_valid_i,
  output logic                       in_ready_o,
  input  wire logic [Lanes*Bits-1:0] in_data_i,
  output logic                       out_valid_o,
  input  wire logic                  out_ready_i,
  output logic      [OutBits-1:0]    out_data_o
);

  xf_require #(
    .Ok(Lanes >= 1 && Bits >= 1 && Channels >= 1 && Channels % Lanes == 0 && 2 ** OutBits >= Channels),
    .Message("xf_argmax: Lanes must divide Channels, and OutBits must hold the greatest index")
  ) u_require_sizes ();
  xf_require #(
    .Ok(InKind >= 0 && InKind <= 2 && (InKind != 2 || Bits == 1)),
    .Message("xf_argmax: InKind must be 0, 1 or 2, and 2 only for one bit")
  ) u_require_kind ();

  // Two's complement compares like unsigned once the sign bit is inverted.
  localparam [Bits-1:0] Flip = (InKind == 1) ? Bits'(1) << (Bits - 1) : Bits'(0);
  // A credit comes back 3 cycles after its claim.
  localparam integer QueueDepth = (Channels == Lanes) ? 3 : 2;

  logic [OutBits-1:0] base_q;
  logic               first;
  logic               last;
  logic               go;
  logic               take;
  logic [Bits-1:0]    zeroth;
  logic [Bits-1:0]    top;
  logic [OutBits-1:0] where;
  logic [Bits-1:0]    top_q;
  logic [OutBits-1:0] where_q;
  logic               valid_q;
  logic               first_q;
  logic               last_q;
  logic [Bits-1:0]    best_q;
  logic [OutBits-1:0] index_q;
  logic               better;
  logic [OutBits-1:0] index;

  assign first      = base_q == OutBits'(0);
  assign last       = base_q == OutBits'(Channels - Lanes);
  assign in_ready_o = go || !last;
  assign take       = in_valid_i && in_ready_o;

  assign zeroth = in_data_i[Bits-1:0] ^ Flip;

  always_comb begin
    top   = zeroth;
    where = base_q;
    for (int i = 1; i < Lanes; i++) begin
      if ((in_data_i[i*Bits+:Bits] ^ Flip) > top) begin
        top   = in_data_i[i*Bits+:Bits] ^ Flip;
        where = base_q + OutBits'(i);
      end
    end
  end

  assign better = first_q || top_q > best_q;
  assign index  = better ? where_q : index_q;

  always_ff @(posedge clk_i) begin
    top_q   <= top;
    where_q <= where;
    first_q <= first;
    last_q  <= last;
    if (valid_q) index_q <= index;
    if (valid_q && better) best_q <= top_q;
    if (!rst_ni) begin
      base_q  <= OutBits'(0);
      valid_q <= 1'b0;
    end else begin
      valid_q <= take;
      if (take) base_q <= last ? OutBits'(0) : base_q + OutBits'(Lanes);
    end
  end

  xf_queue #(.Width(OutBits), .Depth(QueueDepth)) u_queue (
    .clk_i,
    .rst_ni,
    .claim_i    (take && last),
    .claim_ok_o (go),
    .push_i     (valid_q && last_q),
    .data_i     (index),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
