// xf_fifo: first in, first out, with registered output.
//
// Contract: beats leave in the order in which they came; Depth beats fit. in_ready_o depends on registers only.
// Latency 1 cycle when empty, initiation interval 1. The reset forgets all beats.
// Structure: an output register behind a ring of Depth-1 words; a beat skips the ring while that is empty.
// Cost: Width flip-flops, LUT RAM for Depth-1 words (a second register where Depth is 2), two pointers and a counter.
// Block = 1 puts the ring into block RAM, for deep FIFOs such as a frame in front of its gate, beat for beat the same: the word that
// is at the head in the next cycle is read in this one, or kept in a register where it is written in this one. It costs that
// register and a comparator of pointers.
`default_nettype none

module xf_fifo #(
  parameter integer Width = 1,
  parameter integer Depth = 2,
  parameter integer Block = 0
) (
  input  wire logic             clk_i,
  input  wire logic             rst_ni,
  input  wire logic             in_valid_i,
  output logic                  in_ready_o,
  input  wire logic [Width-1:0] in_data_i,
  output logic                  out_valid_o,
  input  wire logic             out_ready_i,
  output logic      [Width-1:0] out_data_o
);

  xf_require #(.Ok(Width >= 1), .Message("xf_fifo: Width must be at least 1")) u_require_width ();
  xf_require #(.Ok(Depth >= 2), .Message("xf_fifo: Depth must be at least 2")) u_require_depth ();
  xf_require #(.Ok(Block == 0 || Depth >= 3), .Message("xf_fifo: Depth must be at least 3 in block RAM")) u_require_block ();

  localparam integer Words = Depth - 1;
  localparam integer CountBits = (Words > 1) ? $clog2(Words + 1) : 1;

  logic [CountBits-1:0] count_q;
  logic                 empty;
  logic                 put;
  logic                 load;
  logic                 push;
  logic                 pop;
  logic [Width-1:0]     head;

  assign empty      = count_q == CountBits'(0);
  assign in_ready_o = count_q != CountBits'(Words);
  assign put        = in_valid_i && in_ready_o;
  assign load       = out_ready_i || !out_valid_o;
  assign pop        = load && !empty;
  assign push       = put && !(load && empty);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q     <= CountBits'(0);
      out_valid_o <= 1'b0;
    end else begin
      if (push && !pop) count_q <= count_q + CountBits'(1);
      if (pop && !push) count_q <= count_q - CountBits'(1);
      if (load) out_valid_o <= !empty || put;
    end
    if (load) out_data_o <= empty ? in_data_i : head;
  end

  if (Words <= 1) begin : gen_register
    always_ff @(posedge clk_i) if (push) head <= in_data_i;
  end else begin : gen_ring
    localparam integer AddrBits = $clog2(Words);
    logic [AddrBits-1:0] write_q;
    logic [AddrBits-1:0] read_q;
    logic [AddrBits-1:0] read_d;

    assign read_d = !pop ? read_q : ((read_q == AddrBits'(Words - 1)) ? AddrBits'(0) : read_q + AddrBits'(1));

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        write_q <= AddrBits'(0);
        read_q  <= AddrBits'(0);
      end else begin
        if (push) write_q <= (write_q == AddrBits'(Words - 1)) ? AddrBits'(0) : write_q + AddrBits'(1);
        read_q <= read_d;
      end
    end

    if (Block == 1) begin : gen_block
      (* ram_style = "block" *) logic [Width-1:0] ring [0:Words-1];
      logic [Width-1:0] word_q;
      logic [Width-1:0] written_q;
      logic             fresh_q;

      always_ff @(posedge clk_i) begin
        if (push) ring[write_q] <= in_data_i;
        word_q <= ring[read_d];
      end

      always_ff @(posedge clk_i) begin
        fresh_q <= push && write_q == read_d;
        if (push) written_q <= in_data_i;
      end
      assign head = fresh_q ? written_q : word_q;
    end else begin : gen_lut
      logic [Width-1:0] ring [0:Words-1];
      always_ff @(posedge clk_i) if (push) ring[write_q] <= in_data_i;
      assign head = ring[read_q];
    end
  end

`ifdef XF_CHECK_STREAMS
  xf_check_stream #(.Width(Width)) u_check_out (
    .clk_i, .rst_ni, .valid_i(out_valid_o), .ready_i(out_ready_i), .data_i(out_data_o)
  );
`endif

endmodule

`default_nettype wire
