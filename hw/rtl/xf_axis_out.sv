// AXI4-Stream master port of a network: pads a beat with zeros to whole bytes and marks the last beat of each frame.
//
// Contract: TLAST is high at beat Beats-1, 2*Beats-1, ... after reset. Latency 0, initiation interval 1.
// Cost: a counter of clog2(Beats) bits; nothing where a frame is one beat.
`default_nettype none

module xf_axis_out #(
    parameter int Width     = 1,
    parameter int ByteWidth = 8,
    parameter int Beats     = 1
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    input  wire                  in_valid_i,
    output wire                  in_ready_o,
    input  wire  [    Width-1:0] in_data_i,
    output wire                  m_axis_tvalid_o,
    input  wire                  m_axis_tready_i,
    output wire  [ByteWidth-1:0] m_axis_tdata_o,
    output wire                  m_axis_tlast_o
);

  assign m_axis_tvalid_o = in_valid_i;
  assign in_ready_o      = m_axis_tready_i;
  assign m_axis_tdata_o  = ByteWidth'(in_data_i);

  generate
    if (Beats == 1) begin : gen_single
      wire unused_clocks;
      assign unused_clocks  = ^{clk_i, rst_ni};
      assign m_axis_tlast_o = 1'b1;
    end else begin : gen_count
      localparam int CountWidth = $clog2(Beats);
      localparam logic [CountWidth-1:0] Last = CountWidth'(Beats - 1);

      logic [CountWidth-1:0] count_q;

      assign m_axis_tlast_o = count_q == Last;

      always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
          count_q <= '0;
        end else if (in_valid_i && m_axis_tready_i) begin
          count_q <= m_axis_tlast_o ? '0 : count_q + 1'b1;
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
