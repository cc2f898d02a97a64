// xf_matvec_init: start value of the accumulators, with the border correction of zero padding.
//
// Contract: after the step (step_i) whose values init_o serves, and one cycle later, init_o holds PE start values. Without
// a border (Border = 0) these are the words of InitFile in turn, a word for each step. With one, positions are counted row by
// row over OutRows x OutCols; row r and column c have a class each, and the word is RowFile[r] + ColFile[c] + fold: RowFile holds class times
// (column classes * Nf), ColFile class times Nf, InitFile the table in (row class, column class, fold) order.
// Latency: two cycles from step_i (address register, ROM register); the user delays its data alike.
// Cost: two small ROMs, an adder, the table ROM, counters; without a border a counter and the ROM, nothing where that is one word.
`default_nettype none

module xf_matvec_init #(
  parameter integer WordBits = 1,
  parameter integer Nf = 1,
  parameter integer Border = 0,
  parameter integer OutRows = 1,
  parameter integer OutCols = 1,
  parameter integer Words = 1,
  parameter         InitFile = "",
  parameter         RowFile = "",
  parameter         ColFile = ""
) (
  input  wire logic                clk_i,
  input  wire logic                rst_ni,
  input  wire logic                step_i,
  output logic      [WordBits-1:0] init_o
);

  localparam integer AddrBits = (Words > 1) ? $clog2(Words) : 1;
  logic [AddrBits-1:0] addr_q;

  xf_rom #(.Width(WordBits), .Depth(Words), .InitFile(InitFile)) u_table (.clk_i, .addr_i(addr_q), .data_o(init_o));

  if (Border == 0) begin : gen_plain
    // The word of the step before; a step's own is read one cycle later.
    always_ff @(posedge clk_i) begin
      if (!rst_ni) addr_q <= AddrBits'(Words - 1);
      else if (step_i) addr_q <= (addr_q == AddrBits'(Words - 1)) ? AddrBits'(0) : addr_q + AddrBits'(1);
    end
  end else begin : gen_border
    localparam integer RowBits = (OutRows > 1) ? $clog2(OutRows) : 1;
    localparam integer ColBits = (OutCols > 1) ? $clog2(OutCols) : 1;
    localparam integer NfBits = (Nf > 1) ? $clog2(Nf) : 1;
    logic [AddrBits-1:0] row_base [0:OutRows-1];
    logic [AddrBits-1:0] col_base [0:OutCols-1];
    logic [RowBits-1:0]  row_q;
    logic [ColBits-1:0]  col_q;
    logic [NfBits-1:0]   nf_q;
    logic                last_nf;
    logic                last_col;

    initial $readmemh(RowFile, row_base);
    initial $readmemh(ColFile, col_base);

    assign last_nf  = nf_q == NfBits'(Nf - 1);
    assign last_col = col_q == ColBits'(OutCols - 1);

    always_ff @(posedge clk_i) begin
      addr_q <= row_base[row_q] + col_base[col_q] + AddrBits'(nf_q);
      if (!rst_ni) begin
        row_q <= RowBits'(0);
        col_q <= ColBits'(0);
        nf_q  <= NfBits'(0);
      end else if (step_i) begin
        nf_q <= last_nf ? NfBits'(0) : nf_q + NfBits'(1);
        if (last_nf) col_q <= last_col ? ColBits'(0) : col_q + ColBits'(1);
        if (last_nf && last_col) row_q <= (row_q == RowBits'(OutRows - 1)) ? RowBits'(0) : row_q + RowBits'(1);
      end
    end
  end

endmodule

`default_nettype wire
