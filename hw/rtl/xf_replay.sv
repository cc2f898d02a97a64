// xf_replay: shows each vector several times; the matrix of a folded product, for every fold of rows, and a gate, for every pixel.
//
// Contract: takes vectors of Sf beats. For each it makes Nf * Sf steps: step (n, s) shows beat s on data_o with step_o
// high, first_o where s = 0, last_o where s = Sf-1, and addr_o = n*Sf + s. A last step waits for go_i (a free place at
// the output); the others do so only where EachStep is 1. Outputs are combinational from registers and go_i (and, where the
// beats pass through, from in_data_i).
// Interval: Nf * Sf cycles a vector. Vectors of them fit, so that one is taken while the other is replayed and the producer
// never waits for a replay; a beat can be read the cycle after it was taken. in_ready_o depends on registers only.
// Cost: Nf = 1 and EachStep = 0: no memory, the beats pass through. Else LUT RAM for Vectors*Sf beats and four counters.
`default_nettype none

module xf_replay #(
  parameter integer BeatBits = 1,
  parameter integer Sf = 1,
  parameter integer Nf = 1,
  parameter integer Vectors = 2,
  parameter integer EachStep = 0,
  localparam integer AddrBits = (Sf * Nf > 1) ? $clog2(Sf * Nf) : 1
) (
  input  wire logic                clk_i,
  input  wire logic                rst_ni,
  input  wire logic                in_valid_i,
  output logic                     in_ready_o,
  input  wire logic [BeatBits-1:0] in_data_i,
  input  wire logic                go_i,
  output logic                     step_o,
  output logic                     first_o,
  output logic                     last_o,
  output logic      [AddrBits-1:0] addr_o,
  output logic      [BeatBits-1:0] data_o
);

  localparam integer SfBits = (Sf > 1) ? $clog2(Sf) : 1;

  xf_require #(.Ok(Sf >= 1 && Nf >= 1), .Message("xf_replay: Sf and Nf must be at least 1")) u_require_folds ();
  xf_require #(.Ok(Vectors >= 2), .Message("xf_replay: Vectors must be at least 2")) u_require_vectors ();

  logic [SfBits-1:0] sf_q;
  assign first_o = sf_q == SfBits'(0);
  assign last_o  = sf_q == SfBits'(Sf - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) sf_q <= SfBits'(0);
    else if (step_o) sf_q <= last_o ? SfBits'(0) : sf_q + SfBits'(1);
  end

  if (Nf == 1 && EachStep == 0) begin : gen_pass
    assign in_ready_o = !last_o || go_i;
    assign step_o     = in_valid_i && in_ready_o;
    assign data_o     = in_data_i;
    assign addr_o     = AddrBits'(sf_q);
  end else begin : gen_replay
    localparam integer Words = Vectors * Sf;
    localparam integer RingBits = $clog2(Words);
    localparam integer WholeBits = $clog2(Vectors + 1);
    logic [BeatBits-1:0] ring [0:Words-1];
    logic [AddrBits-1:0]  addr_q;
    logic [RingBits-1:0]  write_q;
    logic [RingBits-1:0]  read_q;
    logic [SfBits-1:0]    write_sf_q;
    logic [WholeBits-1:0] whole_q;
    logic                 put;
    logic                 put_whole;
    logic                 last_fold;
    logic                 release_vector;

    assign in_ready_o     = whole_q != WholeBits'(Vectors);
    assign put            = in_valid_i && in_ready_o;
    assign put_whole      = put && write_sf_q == SfBits'(Sf - 1);
    assign step_o         = (whole_q != WholeBits'(0) || write_sf_q > sf_q) && (go_i || (EachStep == 0 && !last_o));
    assign last_fold      = addr_q == AddrBits'(Sf * Nf - 1);
    assign release_vector = step_o && last_fold;
    assign addr_o         = addr_q;
    assign data_o         = ring[read_q];

    always_ff @(posedge clk_i) begin
      if (put) ring[write_q] <= in_data_i;
      if (!rst_ni) begin
        write_q    <= RingBits'(0);
        write_sf_q <= SfBits'(0);
        whole_q    <= WholeBits'(0);
        addr_q     <= AddrBits'(0);
      end else begin
        if (put) write_q <= (write_q == RingBits'(Words - 1)) ? RingBits'(0) : write_q + RingBits'(1);
        if (put) write_sf_q <= put_whole ? SfBits'(0) : write_sf_q + SfBits'(1);
        if (put_whole && !release_vector) whole_q <= whole_q + WholeBits'(1);
        if (release_vector && !put_whole) whole_q <= whole_q - WholeBits'(1);
        if (step_o) addr_q <= last_fold ? AddrBits'(0) : addr_q + AddrBits'(1);
      end
    end

    // The read pointer goes back to the vector's first beat after every fold but the last.
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        read_q <= RingBits'(0);
      end else if (step_o) begin
        if (last_o && !last_fold) read_q <= read_q - RingBits'(Sf - 1);
        else if (read_q == RingBits'(Words - 1)) read_q <= RingBits'(0);
        else read_q <= read_q + RingBits'(1);
      end
    end
  end

endmodule

`default_nettype wire
