// A hand-written top: adds a constant from a memory image to each byte, through one register stage. FAULT breaks one rule.
`default_nettype none
module hand_top #(
    parameter int Beats = 4,
    parameter int Fault = 0
) (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    input  wire [15:0] s_axis_tdata,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,
    output wire [15:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast
);
  logic [7:0] rom[1];
  initial $readmemh("mem/hand_top_add_value.mem", rom);

  logic [15:0] data_q;
  logic        full_q;
  logic [15:0] count_q, total_q, in_count_q;
  wire         take = s_axis_tvalid && s_axis_tready;
  wire         give = m_axis_tvalid && m_axis_tready;
  wire         drop_last = Fault == 3 && total_q >= 16'd9;

  assign s_axis_tready = (!full_q || (give && Fault != 5)) && !(Fault == 4 && total_q >= 16'd6);
  assign m_axis_tvalid = (full_q || (Fault == 7 && !ap_rst_n)) && !(Fault == 1 && !m_axis_tready && total_q >= 16'd6);
  // Fault 8 lets go of a beat that has waited for three cycles.
  logic [1:0] waited_q;
  wire give_up = Fault == 8 && waited_q == 2'd3;
  always_ff @(posedge ap_clk) waited_q <= (!ap_rst_n || !full_q || m_axis_tready || give_up) ? 2'd0 : waited_q + 2'd1;

  assign m_axis_tdata  = (Fault == 2 && !m_axis_tready && total_q >= 16'd6) ? ~data_q : data_q;
  assign m_axis_tlast  = count_q == Beats - 1 && !drop_last;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      full_q  <= 1'b0;
      count_q <= '0;
      total_q <= '0;
      in_count_q <= '0;
    end else begin
      if (take) begin
        data_q <= {s_axis_tdata[15:8] + rom[0], s_axis_tdata[7:0] + rom[0]};
        in_count_q <= in_count_q + 16'd1;
      end
      if (take) full_q <= 1'b1;
      else if (give || give_up) full_q <= Fault == 6 && total_q == 16'd19 ? 1'b1 : 1'b0;
      if (give) begin
        total_q <= total_q + 16'd1;
        count_q <= count_q == Beats - 1 ? '0 : count_q + 16'd1;
      end
    end
  end
endmodule
`default_nettype wire
