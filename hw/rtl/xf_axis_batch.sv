// xf_axis_batch: lets a network of single frames stand between the two halves of a DMA that moves whole batches.
//
// Contract: the source marks the last beat of a batch of whole frames with s_last_i; the last output beat of the batch, and no
// other, has m_last_o. The network's own last beat of a frame waits until the whole of that frame has been taken, because only
// then is it known whether the batch ends with it. Between the end of a batch at the input and its end at the output no beat
// is taken. s_last_i in mid-frame is ignored.
// Formula: m_last_o = (last beat of a frame) and (frames taken - frames given = 1) and (the batch has ended at the input).
// Latency 0, interval 1; s_ready_o depends on registers and core_ready_i only.
// Cost: a counter of clog2(InBeats) bits, one of 16 bits, one flip-flop.
`default_nettype none

module xf_axis_batch #(
  parameter integer InBeats = 1
) (
  input  wire logic clk_i,
  input  wire logic rst_ni,
  input  wire logic s_valid_i,
  output logic      s_ready_o,
  input  wire logic s_last_i,
  output logic      core_in_valid_o,
  input  wire logic core_in_ready_i,
  input  wire logic core_out_valid_i,
  output logic      core_out_ready_o,
  input  wire logic core_out_last_i,
  output logic      m_valid_o,
  input  wire logic m_ready_i,
  output logic      m_last_o
);

  localparam integer BeatBits = (InBeats > 1) ? $clog2(InBeats) : 1;
  localparam integer FrameBits = 16;

  logic [ BeatBits-1:0] beat_q;
  logic [FrameBits-1:0] ahead_q;  // frames that were taken and not yet given
  logic                 ended_q;
  logic                 taken;
  logic                 given;
  logic                 frame_taken;
  logic                 frame_given;

  assign s_ready_o        = core_in_ready_i && !ended_q;
  assign core_in_valid_o  = s_valid_i && !ended_q;
  assign m_valid_o        = core_out_valid_i && (!core_out_last_i || ahead_q != FrameBits'(0));
  assign core_out_ready_o = m_ready_i && (!core_out_last_i || ahead_q != FrameBits'(0));
  assign m_last_o         = core_out_last_i && ended_q && ahead_q == FrameBits'(1);

  assign taken       = s_valid_i && s_ready_o;
  assign given       = m_valid_o && m_ready_i;
  assign frame_taken = taken && beat_q == BeatBits'(InBeats - 1);
  assign frame_given = given && core_out_last_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q  <= BeatBits'(0);
      ahead_q <= FrameBits'(0);
      ended_q <= 1'b0;
    end else begin
      if (taken) beat_q <= frame_taken ? BeatBits'(0) : beat_q + BeatBits'(1);
      if (frame_taken && !frame_given) ahead_q <= ahead_q + FrameBits'(1);
      if (frame_given && !frame_taken) ahead_q <= ahead_q - FrameBits'(1);
      if (frame_taken && s_last_i) ended_q <= 1'b1;
      else if (given && m_last_o) ended_q <= 1'b0;
    end
  end

endmodule

`default_nettype wire
