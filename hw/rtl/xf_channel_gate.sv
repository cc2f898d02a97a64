// xf_channel_gate: an image times one number a channel, shifted and held at the ends of the output's type.
//
// Contract: input 0 (a: bit 0 of in_valid_i and in_ready_o, the lower Lanes*ABits bits of in_data_i) is an image of Pixels
// pixels of Beats beats; input 1 (b: above it) is its gate, Beats beats a frame. out = limit((a * b) >>> Shift) to OutBits
// bits, beat s of each pixel with beat s of the gate; unsigned where OutKind is 0, two's complement where it is 1. AKind,
// BKind: 0 unsigned, 1 two's complement, 2 bipolar (bit 0 is -1). ProductBits hold every product and either factor.
// The inputs come at their own pace: four beats of the image fit, as many as pass the cell in its latency, and two gates, so
// that the next frame's is taken while this one's is used (more where frames are shorter than that). in_ready_o and
// out_valid_o depend on registers only.
// Latency 3 cycles from the later of a beat and its gate, interval one cycle a beat.
// Memory: Vectors * Beats words of Lanes*BBits bits, LUT RAM (block RAM where it is large).
// Cost: a four-beat FIFO, that memory and its counters, and xf_product.
`default_nettype none

module xf_channel_gate #(
  parameter integer Lanes = 1,
  parameter integer Beats = 1,
  parameter integer Pixels = 1,
  parameter integer ABits = 1,
  parameter integer AKind = 1,
  parameter integer BBits = 1,
  parameter integer BKind = 1,
  parameter integer ProductBits = 2,
  parameter integer Shift = 0,
  parameter integer OutBits = 1,
  parameter integer OutKind = 1
) (
  input  wire logic                           clk_i,
  input  wire logic                           rst_ni,
  input  wire logic [1:0]                     in_valid_i,
  output logic      [1:0]                     in_ready_o,
  input  wire logic [Lanes*(ABits+BBits)-1:0] in_data_i,
  output logic                                out_valid_o,
  input  wire logic                           out_ready_i,
  output logic      [Lanes*OutBits-1:0]       out_data_o
);

  xf_require #(
    .Ok(Lanes >= 1 && Beats >= 1 && Pixels >= 1),
    .Message("xf_channel_gate: Lanes, Beats and Pixels must be at least 1")
  ) u_require_sizes ();

  // A gate is free again 3 cycles after its last use at the latest: the pipeline's length.
  localparam integer Steps = Beats * Pixels;
  localparam integer Vectors = 1 + (Steps + 2) / Steps;
  localparam integer AddrBits = (Steps > 1) ? $clog2(Steps) : 1;

  logic                   have;
  logic                   room;
  logic                   take;
  logic                   first;
  logic                   last;
  logic [AddrBits-1:0]    addr;
  logic [Lanes*ABits-1:0] a_beat;
  logic [Lanes*BBits-1:0] b_beat;

  xf_fifo #(.Width(Lanes * ABits), .Depth(4)) u_image (
    .clk_i,
    .rst_ni,
    .in_valid_i (in_valid_i[0]),
    .in_ready_o (in_ready_o[0]),
    .in_data_i  (in_data_i[Lanes*ABits-1:0]),
    .out_valid_o(have),
    .out_ready_i(take),
    .out_data_o (a_beat)
  );

  xf_replay #(.BeatBits(Lanes * BBits), .Sf(Beats), .Nf(Pixels), .Vectors(Vectors), .EachStep(1)) u_gate (
    .clk_i,
    .rst_ni,
    .in_valid_i(in_valid_i[1]),
    .in_ready_o(in_ready_o[1]),
    .in_data_i (in_data_i[Lanes*(ABits+BBits)-1:Lanes*ABits]),
    .go_i      (have && room),
    .step_o    (take),
    .first_o   (first),
    .last_o    (last),
    .addr_o    (addr),
    .data_o    (b_beat)
  );

  logic unused;
  assign unused = &{1'b0, first, last, addr};

  xf_product #(
    .Lanes(Lanes), .ABits(ABits), .AKind(AKind), .BBits(BBits), .BKind(BKind),
    .ProductBits(ProductBits), .Shift(Shift), .OutBits(OutBits), .OutKind(OutKind)
  ) u_product (
    .clk_i,
    .rst_ni,
    .take_i (take),
    .room_o (room),
    .a_i    (a_beat),
    .b_i    (b_beat),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

endmodule

`default_nettype wire
