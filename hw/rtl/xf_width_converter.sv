// xf_width_converter: regroups a stream from InBits to OutBits a beat, lowest bits first.
//
// Contract: one width is a whole multiple of the other; N = greater / lesser. in_ready_o depends on registers only.
// Latency 1 cycle (from the N-th input beat when widening, to the first output beat when narrowing); interval: one beat a
// cycle on the narrow side.
// Cost: InBits + OutBits flip-flops and a counter to N; equal widths: a two-beat FIFO.
`default_nettype none

module xf_width_converter #(
  parameter integer InBits = 1,
  parameter integer OutBits = 1
) (
  input  wire logic               clk_i,
  input  wire logic               rst_ni,
  input  wire logic               in_valid_i,
  output logic                    in_ready_o,
  input  wire logic [InBits-1:0]  in_data_i,
  output logic                    out_valid_o,
  input  wire logic               out_ready_i,
  output logic      [OutBits-1:0] out_data_o
);

  xf_require #(
    .Ok(InBits >= 1 && OutBits >= 1 && (InBits % OutBits == 0 || OutBits % InBits == 0)),
    .Message("xf_width_converter: one of InBits and OutBits must be a multiple of the other")
  ) u_require_ratio ();

  if (InBits == OutBits) begin : gen_same
    xf_fifo #(.Width(InBits), .Depth(2)) u_fifo (
      .clk_i, .rst_ni, .in_valid_i, .in_ready_o, .in_data_i, .out_valid_o, .out_ready_i, .out_data_o
    );
  end else if (InBits < OutBits) begin : gen_widen
    localparam integer Ratio = OutBits / InBits;
    localparam integer CountBits = $clog2(Ratio);
    logic [OutBits-InBits-1:0] parts_q;
    logic [CountBits-1:0]      count_q;
    logic                      last;
    logic                      put;

    assign last       = count_q == CountBits'(Ratio - 1);
    assign in_ready_o = !(last && out_valid_o);
    assign put        = in_valid_i && in_ready_o;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q     <= CountBits'(0);
        out_valid_o <= 1'b0;
      end else begin
        if (put) count_q <= last ? CountBits'(0) : count_q + CountBits'(1);
        if (put && last) out_valid_o <= 1'b1;
        else if (out_ready_i) out_valid_o <= 1'b0;
      end
      if (put && last) out_data_o <= {in_data_i, parts_q};
    end

    if (Ratio == 2) begin : gen_pair
      always_ff @(posedge clk_i) if (put) parts_q <= in_data_i;
    end else begin : gen_shift
      always_ff @(posedge clk_i) if (put) parts_q <= {in_data_i, parts_q[OutBits-InBits-1:InBits]};
    end
  end else begin : gen_narrow
    localparam integer Ratio = InBits / OutBits;
    localparam integer CountBits = $clog2(Ratio + 1);
    logic [InBits-1:0]    parts_q;
    logic [CountBits-1:0] count_q;
    logic                 empty;
    logic                 put;
    logic                 load;

    assign empty      = count_q == CountBits'(0);
    assign in_ready_o = empty;
    assign put        = in_valid_i && in_ready_o;
    assign load       = out_ready_i || !out_valid_o;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q     <= CountBits'(0);
        out_valid_o <= 1'b0;
      end else begin
        if (put) count_q <= load ? CountBits'(Ratio - 1) : CountBits'(Ratio);
        else if (load && !empty) count_q <= count_q - CountBits'(1);
        if (load) out_valid_o <= put || !empty;
      end
      if (put || load) parts_q <= load ? (empty ? in_data_i : parts_q) >> OutBits : in_data_i;
      if (load) out_data_o <= empty ? in_data_i[OutBits-1:0] : parts_q[OutBits-1:0];
    end
  end

`ifdef XF_CHECK_STREAMS
  xf_check_stream #(.Width(OutBits)) u_check_out (
    .clk_i, .rst_ni, .valid_i(out_valid_o), .ready_i(out_ready_i), .data_i(out_data_o)
  );
`endif

endmodule

`default_nettype wire
